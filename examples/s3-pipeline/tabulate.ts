import type { DataFile } from 'sluice';
import type { Aggregate, Histogram } from './aggregate-shard.js';

/**
 * Writes one line a group, in no order: `group,from,label,flights,minutes,p10,p50,p90,late`, all numbers whole
 * (`minutes`: the sum of the delays; `late`: flights delayed more than 15 minutes). `sortTable` makes it the report.
 *
 * Quantiles are exact, by nearest rank: p90 is the smallest delay that at least 90 % of the group's flights do not exceed.
 */
export async function tabulate(
  total: Aggregate,
  bandEdgesMiles: readonly number[],
  io: { readonly outputs: readonly DataFile[] },
): Promise<number> {
  const { writeFile } = await import('node:fs/promises');

  const bandLabel = (from: number) => {
    const next = bandEdgesMiles[bandEdgesMiles.indexOf(from) + 1];
    if (next === undefined) return `${from} mi and over`;
    return from === 0 ? `under ${next} mi` : `${from}-${next - 1} mi`;
  };
  const line = (group: string, from: number, label: string, delays: Iterable<[delay: number, flights: number]>) => {
    const sorted = [...delays].sort(([a], [b]) => a - b);
    const sum = (weight: (delay: number) => number) => sorted.reduce((all, [d, n]) => all + weight(d) * n, 0);
    const flights = sum(() => 1);
    const percentile = (percent: number) => {
      let rank = Math.ceil((percent * flights) / 100);
      for (const [delay, count] of sorted) {
        rank -= count;
        if (rank <= 0) return delay;
      }
      throw new Error(`${group} ${label} has no flights`);
    };
    const quantiles = [10, 50, 90].map(percentile);
    const late = sum((delay) => (delay > 15 ? 1 : 0));
    return `${[group, from, label, flights, sum((delay) => delay), ...quantiles, late].join(',')}\n`;
  };

  const lines = [
    line(
      'all',
      0,
      'all flights',
      [...total.hour.values()].flatMap((histogram: Histogram) => [...histogram]),
    ),
    ...[...total.distance].map(([from, delays]) => line('distance', from, bandLabel(from), delays)),
    ...[...total.hour].map(([from, delays]) => line('hour', from, `${String(from).padStart(2, '0')}:00`, delays)),
  ];
  for (const output of io.outputs) await writeFile(output.path, lines.join(''));
  return total.flights;
}
