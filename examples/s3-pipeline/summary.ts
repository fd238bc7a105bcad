import { relative } from 'node:path';
import type { DataFile } from 'sluice';
import { FLIGHT_COUNT } from './flights.js';
import { flightsAccountedFor, type ReportRow } from './report-rows.js';
import { formatColumns, formatReportTable } from './report-table.js';

/** What the job ends with. */
export interface MadeReport {
  readonly rows: readonly ReportRow[];
  /** Every copy of the report. */
  readonly files: readonly DataFile[];
  /** By executor label, as `flow.stats()` counts it. */
  readonly use: Readonly<Record<string, ExecutorUse>>;
  /** What it costs, where it costs. */
  readonly price?: string;
  /** What becomes of the copies in the cloud. */
  readonly cloudAfterwards: string;
}

interface ExecutorUse {
  readonly tasks: number;
  readonly attempts: number;
  readonly runMs: number;
  readonly billedMs: number;
  readonly billedGbSeconds: number;
}

/**
 * The job's last words: the report, the flights it accounts for, the time, the work by executor, and its price.
 * @throws when the report does not account for every flight.
 */
export function formatSummary(made: MadeReport & { readonly tookMs: number }): string {
  const flights = flightsAccountedFor(made.rows);
  const accounted = `${grouped(flights)} of ${grouped(FLIGHT_COUNT)} flights accounted for`;
  if (flights !== FLIGHT_COUNT) throw new Error(`the report is wrong: ${accounted}`);
  return [
    '\nDelays in minutes\n',
    formatReportTable(made.rows),
    `\n${accounted}, in ${seconds(made.tookMs, 1)} s\n`,
    formatUse(made.use),
    '',
    ...(made.price === undefined ? [] : [made.price, '']),
    ...made.files.map((file) => `  ${placeOf(file, made.cloudAfterwards)}`).sort(),
  ].join('\n');
}

function formatUse(use: MadeReport['use']): string {
  const lines = Object.entries(use).map(([label, { tasks, attempts, runMs, billedMs }]) => [
    label,
    grouped(tasks),
    grouped(attempts),
    seconds(runMs, 2),
    billedMs === 0 ? '-' : seconds(billedMs, 2),
  ]);
  return formatColumns([['executor', 'tasks', 'attempts', 'run s', 'billed s'], ...lines]);
}

function placeOf(file: DataFile, cloudAfterwards: string): string {
  if (file.scheme !== 'file') return `${file.url} (${cloudAfterwards})`;
  const path = relative('', file.path);
  return path.startsWith('..') ? file.path : path;
}

function seconds(milliseconds: number, digits: number): string {
  return (milliseconds / 1000).toFixed(digits);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
