import { app, bash } from 'sluice';
import { aggregateShard } from './aggregate-shard.js';
import { drawChart } from './draw-chart.js';
import { fillPage } from './fill-page.js';
import { mergeAggregates } from './merge-aggregates.js';
import { pageHeadline } from './page-headline.js';
import { pageTable } from './page-table.js';
import { readReport } from './report-rows.js';
import { sortTable } from './sort-table.js';
import { splitFlights } from './split-flights.js';
import { tabulate } from './tabulate.js';

// The job's functions as apps, and where each may run: what touches this machine's files and packages on its threads,
// the work itself on Lambda. They ship as source, which is why each function stands on its own.
const local = { executors: ['local'] };
const lambda = { executors: ['lambda'] };

export const split = app(splitFlights, { name: 'split', io: true, ...local });
export const aggregate = app(aggregateShard, { name: 'aggregate', ...lambda });
export const merge = app(mergeAggregates, { name: 'merge', ...lambda });
export const table = app(tabulate, { name: 'tabulate', io: true, ...lambda });
export const sort = bash(sortTable, { name: 'sort', ...local });
export const read = app(readReport, { name: 'read', ...local });
export const draw = app(drawChart, { name: 'draw', ...local });
export const headline = app(pageHeadline, { name: 'headline', ...local });
export const rows = app(pageTable, { name: 'rows', ...local });
export const page = app(fillPage, { name: 'page', io: true, ...local });
