import { HighThroughputExecutor, load, ThreadPoolExecutor } from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import { deleteBelow } from './gcs-pipeline/bucket.js';
import { openCloud } from './gcs-pipeline/cloud.js';
import { HELP } from './gcs-pipeline/help.js';
import { makeReport, temporaryFolder } from './s3-pipeline/make-report.js';
import { type JobOptions, parseJobOptions } from './s3-pipeline/options.js';
import { formatSummary, type MadeReport } from './s3-pipeline/summary.js';

// The job of s3-pipeline.ts on Google Cloud Storage, its work done by pilots instead of Lambda.
async function runJob({ bucket, outDir, shards, ...options }: JobOptions): Promise<MadeReport> {
  await using cloud = await openCloud({ bucket, outDir, shards, ...options });
  await using flow = await load({
    executors: [
      new ThreadPoolExecutor({ label: 'local', maxThreads: 2 }),
      new HighThroughputExecutor({ label: 'pilots', provider: new LocalProvider(), maxWorkersPerNode: 4 }),
    ],
    retries: 2,
    progress: true,
  });
  const folder = `gs://${bucket}/flights/${flow.runId}`;
  const labels = { local: 'local', workers: 'pilots' };
  const madeBy = 'GCS pipeline: shards in Google Cloud Storage, aggregated and merged by pilots';
  const made = await makeReport({ folder, outDir, shards, labels, madeBy });
  if (options.intermediates === 'delete') await deleteBelow(temporaryFolder({ folder }));
  return { ...made, use: flow.stats().byExecutor, cloudAfterwards: cloud.afterwards };
}

try {
  const options = parseJobOptions(process.argv.slice(2), 'gcp');
  if (options === 'help') {
    console.log(HELP);
  } else {
    const startedAtMs = performance.now();
    const made = await runJob(options);
    console.log(formatSummary({ ...made, tookMs: performance.now() - startedAtMs }));
  }
} catch (error) {
  console.error(`gcs-pipeline: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
