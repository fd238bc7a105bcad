import { BAND_EDGES_MILES } from './bands.js';
import type { Flight } from './flights.js';
import type { ReportRow } from './report-rows.js';

/**
 * The report's numbers computed the plain way, over all flights at once: sort, and pick. What the pipeline's tests
 * hold it against. The mean and the share of late flights are not rounded.
 */
export function straightReport(flights: readonly Flight[]): ReportRow[] {
  const hours = Array.from({ length: 24 }, (_, hour) => ({
    group: 'hour' as const,
    label: `${hour < 10 ? '0' : ''}${hour}:00`,
    members: flights.filter(({ time }) => time >= hour && time < hour + 1),
  }));
  const bands = BAND_EDGES_MILES.map((from, index) => {
    const below = BAND_EDGES_MILES[index + 1] ?? Number.POSITIVE_INFINITY;
    return {
      group: 'distance' as const,
      label: labelOf(from, below),
      members: flights.filter(({ distance }) => distance >= from && distance < below),
    };
  });
  const all = { group: 'all' as const, label: 'all flights', members: flights };
  return [...hours, ...bands, all]
    .filter(({ members }) => members.length > 0)
    .map(({ group, label, members }) => ({ group, label, ...describe(members.map(({ delay }) => delay)) }));
}

function describe(delays: readonly number[]): Omit<ReportRow, 'group' | 'label'> {
  const sorted = delays.toSorted((a, b) => a - b);
  const percentile = (percent: number) =>
    sorted.find((_, index) => (index + 1) * 100 >= percent * sorted.length) ?? Number.NaN;
  return {
    flights: sorted.length,
    mean: sorted.reduce((sum, delay) => sum + delay, 0) / sorted.length,
    p10: percentile(10),
    p50: percentile(50),
    p90: percentile(90),
    latePercent: (100 * sorted.filter((delay) => delay > 15).length) / sorted.length,
  };
}

function labelOf(from: number, below: number): string {
  if (from === 0) return `under ${below} mi`;
  return below === Number.POSITIVE_INFINITY ? `${from} mi and over` : `${from}-${below - 1} mi`;
}
