import type { ReportRow } from './report-rows.js';

/** HTML of the page's opening: two sentences, and the figures of all flights. */
export function pageHeadline(report: readonly ReportRow[], fewestFlights: number): string {
  const all = report.find(({ group }) => group === 'all');
  const [best, ...others] = report
    .filter(({ group, flights }) => group === 'hour' && flights >= fewestFlights)
    .toSorted((a, b) => a.p90 - b.p90);
  const worst = others.at(-1);
  if (all === undefined || best === undefined || worst === undefined) throw new Error('the report has too few rows');

  const flights = all.flights.toLocaleString('en-US');
  const tiles = {
    flights,
    'median delay': `${all.p50} min`,
    'mean delay': `${all.mean.toFixed(2)} min`,
    '90th percentile': `${all.p90} min`,
    'more than 15 min late': `${all.latePercent.toFixed(1)} %`,
  };
  return [
    `<p class="lede">Of ${flights} flights, ${all.latePercent.toFixed(1)} % were more than 15 minutes late.`,
    `Nine in ten were at most ${best.p90} minutes late at ${best.label}, and at most ${worst.p90} at ${worst.label}.</p>`,
    '<dl class="tiles">',
    ...Object.entries(tiles).map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`),
    '</dl>',
  ].join('\n');
}
