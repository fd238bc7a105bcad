import type { ReportRow } from './report-rows.js';

/** HTML of the page's table body. */
export function pageTable(report: readonly ReportRow[]): string {
  const titles = { hour: 'By hour of the day', distance: 'By distance', all: 'In all' };
  return report
    .flatMap((row, index) => {
      const cells = [
        row.label.replace('-', '–'),
        row.flights.toLocaleString('en-US'),
        row.mean.toFixed(2).replace('-', '−'),
        ...[row.p10, row.p50, row.p90].map((minutes) => String(minutes).replace('-', '−')),
        `${row.latePercent.toFixed(1)} %`,
      ];
      const line = `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
      const isFirst = report[index - 1]?.group !== row.group;
      return isFirst ? [`<tr><th colspan="7">${titles[row.group]}</th></tr>`, line] : [line];
    })
    .join('\n');
}
