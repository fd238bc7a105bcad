import type { DataFile } from 'sluice';

/** One line of the report: the delays of one hour of the day, of one distance band, or of all flights. */
export interface ReportRow {
  readonly group: 'hour' | 'distance' | 'all';
  /** `06:00`, `250-499 mi`, `all flights`. */
  readonly label: string;
  readonly flights: number;
  /** Delays in minutes; the mean has two decimals. */
  readonly mean: number;
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
  /** Flights delayed more than 15 minutes, in percent with one decimal. */
  readonly latePercent: number;
}

/** Reads the report's CSV. @throws when a line is not one of a report. */
export async function readReport(report: DataFile): Promise<ReportRow[]> {
  const { readFile } = await import('node:fs/promises');
  const shape =
    /^(?<group>hour|distance|all),(?<label>[^,]+),(?<flights>\d+),(?<mean>-?\d+\.\d\d),(?<p10>-?\d+),(?<p50>-?\d+),(?<p90>-?\d+),(?<late>\d+\.\d)$/;
  const [, ...lines] = (await readFile(report.path, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => {
    const cells = shape.exec(line)?.groups;
    if (cells === undefined) throw new Error(`the report has a line that cannot be read: ${JSON.stringify(line)}`);
    return {
      group: cells.group as ReportRow['group'],
      label: cells.label ?? '',
      flights: Number(cells.flights),
      mean: Number(cells.mean),
      p10: Number(cells.p10),
      p50: Number(cells.p50),
      p90: Number(cells.p90),
      latePercent: Number(cells.late),
    };
  });
}

/**
 * Flights the report accounts for: each is in one hour and in one distance band, so both must add up to all of them.
 * @throws when they do not.
 */
export function flightsAccountedFor(rows: readonly ReportRow[]): number {
  const sum = (group: ReportRow['group']) =>
    rows.filter((row) => row.group === group).reduce((flights, row) => flights + row.flights, 0);
  const [all, byHour, byDistance] = [sum('all'), sum('hour'), sum('distance')];
  if (byHour === all && byDistance === all) return all;
  throw new Error(`the report has ${all} flights, but ${byHour} by hour and ${byDistance} by distance`);
}
