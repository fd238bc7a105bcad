import type { ReportRow } from './report-rows.js';

const HEADER = ['', 'flights', 'mean', 'p10', 'median', 'p90', '> 15 min'];

/** The report as aligned columns for a terminal: labels on the left, numbers on the right, a rule between groups. */
export function formatReportTable(rows: readonly ReportRow[]): string {
  const lines = rows.map((row) => [
    row.label,
    row.flights.toLocaleString('en-US'),
    row.mean.toFixed(2),
    String(row.p10),
    String(row.p50),
    String(row.p90),
    `${row.latePercent.toFixed(1)} %`,
  ]);
  return formatColumns([HEADER, ...lines], (index) => index === 0 || rows[index - 2]?.group !== rows[index - 1]?.group);
}

/**
 * Lines of cells as aligned columns: the first column on the left, all others on the right.
 * @param ruleBefore whether a rule stands above the line of that index, the first line excepted.
 */
export function formatColumns(
  lines: readonly (readonly string[])[],
  ruleBefore: (index: number) => unknown = (index) => index === 1,
): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return lines
    .flatMap((line, index) => {
      const text = line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ');
      return index > 0 && ruleBefore(index) ? [rule, text] : [text];
    })
    .join('\n');
}
