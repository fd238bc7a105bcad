import { type App, app, type BashApp, bash, type DataFile, type IoApp } from 'sluice';
import { type Aggregate, aggregateShard } from './aggregate-shard.js';
import { type Chart, drawChart } from './draw-chart.js';
import { fillPage } from './fill-page.js';
import { mergeAggregates } from './merge-aggregates.js';
import { pageHeadline } from './page-headline.js';
import { pageTable } from './page-table.js';
import { type ReportRow, readReport } from './report-rows.js';
import { sortTable } from './sort-table.js';
import { splitFlights } from './split-flights.js';
import { tabulate } from './tabulate.js';

// The job's functions as apps, and where each may run: what touches this machine's files and packages on its threads,
// the work itself on Lambda. They ship as source, which is why each function stands on its own.
const local = { executors: ['local'] };
const lambda = { executors: ['lambda'] };

export const split: IoApp<[dataset: DataFile], number> = app(splitFlights, { name: 'split', io: true, ...local });

export const aggregate: App<[shard: DataFile, bandEdgesMiles: readonly number[]], Aggregate> = app(aggregateShard, {
  name: 'aggregate',
  ...lambda,
});

export const merge: App<[parts: readonly Aggregate[]], Aggregate> = app(mergeAggregates, { name: 'merge', ...lambda });

export const table: IoApp<[total: Aggregate, bandEdgesMiles: readonly number[]], number> = app(tabulate, {
  name: 'tabulate',
  io: true,
  ...lambda,
});

export const sort: BashApp<[table: DataFile]> = bash(sortTable, { name: 'sort', ...local });

export const read: App<[report: DataFile], ReportRow[]> = app(readReport, { name: 'read', ...local });

export const draw: App<[report: readonly ReportRow[], chart: Chart], string> = app(drawChart, {
  name: 'draw',
  ...local,
});

export const headline: App<[report: readonly ReportRow[], fewestFlights: number], string> = app(pageHeadline, {
  name: 'headline',
  ...local,
});

export const rows: App<[report: readonly ReportRow[]], string> = app(pageTable, { name: 'rows', ...local });

export const page: IoApp<[template: DataFile, parts: Readonly<Record<string, string>>], void> = app(fillPage, {
  name: 'page',
  io: true,
  ...local,
});
