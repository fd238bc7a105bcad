import { join } from 'node:path';
import { file, load, ThreadPoolExecutor } from 'sluice';
import { LambdaExecutor } from 'sluice/aws';
import * as apps from './s3-pipeline/apps.js';
import { BAND_EDGES_MILES } from './s3-pipeline/bands.js';
import { deleteBelow } from './s3-pipeline/bucket.js';
import { openCloud } from './s3-pipeline/cloud.js';
import { DATASET_TERMS, flightsPath } from './s3-pipeline/flights.js';
import { HELP, type JobOptions, parseJobOptions } from './s3-pipeline/options.js';
import { reduceTree } from './s3-pipeline/reduce-tree.js';
import { formatSummary, type MadeReport } from './s3-pipeline/summary.js';

// 231,083 flights: to S3 in shards, counted and merged on Lambda, sorted by bash, drawn on a thread.
async function makeReport(options: JobOptions): Promise<MadeReport> {
  await using cloud = await openCloud(options);
  await using flow = await load({
    executors: [
      new ThreadPoolExecutor({ label: 'local', maxThreads: 2 }),
      new LambdaExecutor({ label: 'lambda', ...cloud.lambda }),
    ],
    retries: 2,
    progress: true,
  });
  const run = `s3://${options.bucket}/flights/${flow.runId}`;
  const temporary = (name: string) => `${run}/temporary/${name}`;
  const final = (name: string) => [`${run}/${name}`, join(options.outDir, name)] as const;

  // The dataset goes to S3 in shards. Each output is a future: whatever is given it waits for it.
  const shards = apps.split(file(flightsPath()), {
    outputs: Array.from({ length: options.shards }, (_, index) => temporary(`shard-${index}.ndjson`)),
  });

  // Lambda counts every shard, adds the counts up in a tree, four at a time, and makes a table of the sum.
  const counts = shards.outputs.map((shard) => apps.aggregate(shard, BAND_EDGES_MILES));
  const total = reduceTree(counts, 4, (branch) => apps.merge(branch));
  const table = apps.table(total, BAND_EDGES_MILES, { outputs: [temporary('table.csv')] });

  // Bash makes the report of it: in S3, and beside the user.
  const report = apps.sort(table.outputs[0], { outputs: final('flights.csv') });
  const rows = apps.read(report.outputs[0]);

  // Threads draw the page, with echarts from this project's own packages.
  const look = { fewestFlights: 250, width: 1000, height: 380 };
  const page = apps.page(
    file(new URL('./s3-pipeline/page.html', import.meta.url)),
    {
      headline: apps.headline(rows, look.fewestFlights),
      hourChart: apps.draw(rows, { group: 'hour', mark: 'line', ...look }),
      distanceChart: apps.draw(rows, { group: 'distance', mark: 'bar', ...look }),
      table: apps.rows(rows),
      fewestFlights: String(look.fewestFlights),
      terms: DATASET_TERMS,
      shards: String(options.shards),
    },
    { outputs: final('flights.html') },
  );

  const written = await Promise.all([...report.outputs, ...page.outputs]);
  if (options.intermediates === 'delete') await deleteBelow(temporary(''));
  return { rows: await rows, files: written, use: flow.stats().byExecutor, cloudAfterwards: cloud.afterwards };
}

try {
  const options = parseJobOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
  } else {
    const startedAtMs = performance.now();
    const made = await makeReport(options);
    console.log(formatSummary({ ...made, tookMs: performance.now() - startedAtMs }));
  }
} catch (error) {
  console.error(`s3-pipeline: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
