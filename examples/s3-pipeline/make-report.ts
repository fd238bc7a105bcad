import { join } from 'node:path';
import { type DataFile, file } from 'sluice';
import { flightApps, type Labels } from './apps.js';
import { BAND_EDGES_MILES } from './bands.js';
import { DATASET_TERMS, flightsPath } from './flights.js';
import { reduceTree } from './reduce-tree.js';
import type { ReportRow } from './report-rows.js';

/** Where a job's files lie, and who works on them. */
export interface ReportPlace {
  /** URL of the folder for everything this run writes: `s3://bucket/flights/run`. */
  readonly folder: string;
  /** Folder on this machine for the report. */
  readonly outDir: string;
  readonly shards: number;
  readonly labels: Labels;
  /** What the page says of its making, behind "Made by the Sluice …". */
  readonly madeBy: string;
}

/** 231,083 flights: put in shards into the store, counted and merged by the workers, sorted by bash, drawn on a thread. */
export async function makeReport(
  place: ReportPlace,
): Promise<{ readonly rows: readonly ReportRow[]; readonly files: readonly DataFile[] }> {
  const apps = flightApps(place.labels);
  const temporary = (name: string) => `${temporaryFolder(place)}${name}`;
  const final = (name: string) => [`${place.folder}/${name}`, join(place.outDir, name)] as const;

  // The dataset goes to the store in shards. Each output is a future: whatever is given it waits for it.
  const shards = apps.split(file(flightsPath()), {
    outputs: Array.from({ length: place.shards }, (_, index) => temporary(`shard-${index}.ndjson`)),
  });

  // Workers count every shard, add the counts up in a tree, four at a time, and make a table of the sum.
  const counts = shards.outputs.map((shard) => apps.aggregate(shard, BAND_EDGES_MILES));
  const total = reduceTree(counts, 4, (branch) => apps.merge(branch));
  const table = apps.table(total, BAND_EDGES_MILES, { outputs: [temporary('table.csv')] });

  // Bash makes the report of it: in the store, and beside the user.
  const report = apps.sort(table.outputs[0], { outputs: final('flights.csv') });
  const rows = apps.read(report.outputs[0]);

  // Threads draw the page, with echarts from this project's own packages.
  const look = { fewestFlights: 250, width: 1000, height: 380 };
  const page = apps.page(
    file(new URL('./page.html', import.meta.url)),
    {
      headline: apps.headline(rows, look.fewestFlights),
      hourChart: apps.draw(rows, { group: 'hour', mark: 'line', ...look }),
      distanceChart: apps.draw(rows, { group: 'distance', mark: 'bar', ...look }),
      table: apps.rows(rows),
      fewestFlights: String(look.fewestFlights),
      terms: DATASET_TERMS,
      shards: String(place.shards),
      madeBy: place.madeBy,
    },
    { outputs: final('flights.html') },
  );
  return { files: await Promise.all([...report.outputs, ...page.outputs]), rows: await rows };
}

/** URL of the folder of what lies between the data and the report. */
export function temporaryFolder({ folder }: Pick<ReportPlace, 'folder'>): string {
  return `${folder}/temporary/`;
}
