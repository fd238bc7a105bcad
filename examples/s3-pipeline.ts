import { load, ThreadPoolExecutor } from 'sluice';
import { LambdaExecutor } from 'sluice/aws';
import { deleteBelow } from './s3-pipeline/bucket.js';
import { openCloud } from './s3-pipeline/cloud.js';
import { formatLambdaPrice } from './s3-pipeline/cost.js';
import { makeReport, temporaryFolder } from './s3-pipeline/make-report.js';
import { HELP, type JobOptions, parseJobOptions } from './s3-pipeline/options.js';
import { formatSummary, type MadeReport } from './s3-pipeline/summary.js';

// 231,083 flights: to S3 in shards, counted and merged on Lambda, sorted by bash, drawn on a thread.
async function runJob({ bucket, outDir, shards, ...options }: JobOptions): Promise<MadeReport> {
  await using cloud = await openCloud({ bucket, outDir, shards, ...options });
  await using flow = await load({
    executors: [
      new ThreadPoolExecutor({ label: 'local', maxThreads: 2 }),
      new LambdaExecutor({ label: 'lambda', ...cloud.lambda }),
    ],
    retries: 2,
    progress: true,
  });
  const folder = `s3://${bucket}/flights/${flow.runId}`;
  const labels = { local: 'local', workers: 'lambda' };
  const madeBy = 'S3 pipeline: shards in S3, aggregated and merged on AWS Lambda';
  const made = await makeReport({ folder, outDir, shards, labels, madeBy });
  if (options.intermediates === 'delete') await deleteBelow(temporaryFolder({ folder }));
  const use = flow.stats().byExecutor;
  return { ...made, use, price: formatLambdaPrice(use.lambda), cloudAfterwards: cloud.afterwards };
}

try {
  const options = parseJobOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
  } else {
    const startedAtMs = performance.now();
    const made = await runJob(options);
    console.log(formatSummary({ ...made, tookMs: performance.now() - startedAtMs }));
  }
} catch (error) {
  console.error(`s3-pipeline: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
