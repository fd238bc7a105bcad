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

/** Labels of the executors that a job has. */
export interface Labels {
  /** This machine's threads, for what touches its files and packages. */
  readonly local: string;
  /** Where the work itself is done. */
  readonly workers: string;
}

/** The job's functions as apps. They ship as source, which is why each function stands on its own. */
export function flightApps(labels: Labels) {
  const local = { executors: [labels.local] };
  const workers = { executors: [labels.workers] };
  return {
    split: app(splitFlights, { name: 'split', io: true, ...local }),
    aggregate: app(aggregateShard, { name: 'aggregate', ...workers }),
    merge: app(mergeAggregates, { name: 'merge', ...workers }),
    table: app(tabulate, { name: 'tabulate', io: true, ...workers }),
    sort: bash(sortTable, { name: 'sort', ...local }),
    read: app(readReport, { name: 'read', ...local }),
    draw: app(drawChart, { name: 'draw', ...local }),
    headline: app(pageHeadline, { name: 'headline', ...local }),
    rows: app(pageTable, { name: 'rows', ...local }),
    page: app(fillPage, { name: 'page', io: true, ...local }),
  };
}
