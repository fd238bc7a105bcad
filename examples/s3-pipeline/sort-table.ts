import type { DataFile, Io } from 'sluice';

/**
 * The command that makes the report's CSV, in every output, of what `tabulate` wrote: sorted by group and within it,
 * mean and share of late flights worked out. POSIX `sort` and `awk`; the C locale, so that decimals have a point everywhere.
 */
export function sortTable(table: DataFile, io: Pick<Io, 'outputs' | 'sh'>): ReturnType<Io['sh']> {
  return io.sh`
    set -o pipefail
    export LC_ALL=C
    {
      echo 'group,label,flights,mean_min,p10_min,p50_min,p90_min,over_15_min_percent'
      sort -t, -k1,1r -k2,2n ${table} | awk -F, -v OFS=, '{
        print $1, $3, $4, sprintf("%.2f", $5 / $4), $6, $7, $8, sprintf("%.1f", 100 * $9 / $4)
      }'
    } | tee ${io.outputs} > /dev/null`;
}
