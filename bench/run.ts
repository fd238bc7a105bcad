// The performance table of README.md: each figure beside the bare library it stands on, in the same run.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { app, type Executor, load, ThreadPoolExecutor } from 'sluice';
import { deployLambda, LambdaExecutor } from 'sluice/aws';
import { startLocalCloud } from 'sluice/local-cloud';
import { bareLambda } from './bare/lambda.js';
import { barePiscina } from './bare/piscina.js';
import { taskPayload } from './task-payload.js';

const RUNS = 5;
const CONCURRENCY = 4;
const THREAD_TASKS = 20_000;
const LAMBDA_TASKS = 1_000;
const runDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

async function ours(executor: Executor, tasks: number): Promise<number> {
  await using kernel = await load({ executors: [executor], asDefault: false, runDir });
  const noop = app(() => 0, { name: 'noop', kernel });
  const rush = (count: number) => Promise.all(Array.from({ length: count }, () => noop()));
  await rush(1_000);
  const startedMs = performance.now();
  await rush(tasks);
  return tasks / ((performance.now() - startedMs) / 1000);
}

async function compare(name: string, our: () => Promise<number>, bare: () => Promise<number>): Promise<void> {
  const rates: { our: number; bare: number }[] = [];
  for (let run = 0; run < RUNS; run++) rates.push({ bare: await bare(), our: await our() });
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const [ourRate, bareRate, ratio] = [
    median(rates.map((rate) => rate.our)),
    median(rates.map((rate) => rate.bare)),
    median(rates.map((rate) => rate.our / rate.bare)),
  ];
  console.log(`| ${name} | ${Math.round(ourRate)}/s | ${Math.round(bareRate)}/s | ${ratio.toFixed(2)} |`);
}

try {
  console.log('| tasks that do nothing | sluice | bare | ratio |\n|---|---|---|---|');
  const threads = () => ours(new ThreadPoolExecutor({ maxThreads: availableParallelism() }), THREAD_TASKS);
  await compare('threads, beside piscina', threads, () => barePiscina(THREAD_TASKS));
  await using cloud = await startLocalCloud();
  cloud.applyEnv();
  await deployLambda({ role: 'arn:aws:iam::000000000000:role/bench', memoryMiB: 512 });
  const payload = taskPayload();
  const lambda = () => ours(new LambdaExecutor({ maxConcurrency: CONCURRENCY }), LAMBDA_TASKS);
  await compare('lambda on local-cloud, beside the SDK', lambda, () => bareLambda(LAMBDA_TASKS, CONCURRENCY, payload));
} finally {
  rmSync(runDir, { recursive: true, force: true });
}
