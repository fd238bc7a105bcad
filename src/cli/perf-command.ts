import { Command, InvalidArgumentError, Option } from 'commander';
import { SluiceError } from '../errors.js';
import type { PerfFigures } from './perf/measure.js';
import { temporaryRunDir } from './perf/temporary-run-dir.js';
import { wholeNumber } from './whole-number.js';

interface PerfFlags {
  readonly executor: 'threads' | 'htex' | 'lambda';
  readonly workers: number;
  readonly tasks?: number;
  readonly json?: boolean;
  readonly aws?: boolean;
  readonly function?: string;
}

/** `sluice perf`: how many tasks that do nothing an executor runs a second, and how long one takes. */
export function perfCommand(): Command {
  return new Command('perf')
    .description('measure an executor with tasks that do nothing')
    .addOption(
      new Option('--executor <name>', 'what to measure').choices(['threads', 'htex', 'lambda']).default('threads'),
    )
    .option('--workers <number>', 'tasks at the same time', atLeastOne, 2)
    .option('--tasks <number>', 'tasks of the rush (default: 20000 on threads and htex, 1000 on lambda)', atLeastOne)
    .option('--json', 'end with one line of JSON')
    .option('--aws', 'lambda: use the deployed function of your account instead of local-cloud')
    .option('--function <name>', 'lambda, with --aws: the function (default: sluice-worker)')
    .action(perf);
}

async function perf(flags: PerfFlags, command: Command): Promise<void> {
  const idle = idleFlag(flags);
  if (idle !== undefined) command.error(`error: ${idle}`);
  const signal = abortedBySignals();
  const figures = await PERF[flags.executor](flags, signal);
  process.stdout.write(flags.json === true ? `${JSON.stringify(figures)}\n` : text(figures));
}

const PERF: Readonly<Record<PerfFlags['executor'], (flags: PerfFlags, signal: AbortSignal) => Promise<PerfFigures>>> = {
  threads: perfThreads,
  htex: perfHtex,
  lambda: perfLambda,
};

/** Why a flag would do nothing here, if one would: then what is measured is not what was asked for. */
function idleFlag({ executor, aws, function: name }: PerfFlags): string | undefined {
  if (executor !== 'lambda' && aws === true) return "option '--aws' is for --executor lambda";
  if (executor !== 'lambda' && name !== undefined) return "option '--function <name>' is for --executor lambda";
  if (aws !== true && name !== undefined) return "option '--function <name>' needs --aws: local-cloud starts empty";
  return undefined;
}

function atLeastOne(text: string): number {
  const count = wholeNumber(text);
  if (count > 0) return count;
  throw new InvalidArgumentError('it must be at least 1');
}

async function perfThreads({ workers, tasks = 20_000 }: PerfFlags, signal: AbortSignal): Promise<PerfFigures> {
  const { ThreadPoolExecutor } = await import('../executors/threads/thread-pool-executor.js');
  const executor = new ThreadPoolExecutor({ maxThreads: workers });
  return measured(executor, { executor: 'threads', workers, tasks, sequential: 2_000, warmUp: 2_000 }, signal);
}

async function perfHtex({ workers, tasks = 20_000 }: PerfFlags, signal: AbortSignal): Promise<PerfFigures> {
  const [{ HighThroughputExecutor }, { LocalProvider }] = await Promise.all([
    import('../executors/htex/high-throughput-executor.js'),
    import('../providers/local/local-provider.js'),
  ]);
  const executor = new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: workers });
  return measured(executor, { executor: 'htex', workers, tasks, sequential: 2_000, warmUp: 5_000 }, signal);
}

async function perfLambda(flags: PerfFlags, signal: AbortSignal): Promise<PerfFigures> {
  const { LambdaExecutor } = await import('../executors/lambda/lambda-executor.js');
  const { workers, tasks = 1_000 } = flags;
  const plan = { executor: 'lambda', workers, tasks, sequential: 200, warmUp: workers * 20 };
  if (flags.aws === true) {
    const named = flags.function === undefined ? {} : { functionName: flags.function };
    return measured(new LambdaExecutor({ ...named, maxConcurrency: workers }), plan, signal);
  }
  const [{ startLocalCloud }, { deployLambda }] = await Promise.all([
    import('../local-cloud/local-cloud.js'),
    import('../executors/lambda/deploy-lambda.js'),
  ]);
  // As many environments as workers: with fewer, what is measured is their refusals.
  await using cloud = await startLocalCloud({ concurrency: workers, maxEnvironments: workers });
  const restore = cloud.applyEnv();
  try {
    await deployLambda({ role: 'arn:aws:iam::000000000000:role/local-cloud', memoryMiB: 512 });
    return await measured(new LambdaExecutor({ maxConcurrency: workers }), plan, signal);
  } finally {
    restore();
  }
}

async function measured(
  executor: import('../executors/executor.js').Executor,
  plan: Parameters<typeof import('./perf/measure.js').measure>[1],
  signal: AbortSignal,
): Promise<PerfFigures> {
  const [{ load }, { measure }] = await Promise.all([import('../config/load.js'), import('./perf/measure.js')]);
  await using folder = await temporaryRunDir();
  await using kernel = await load({
    executors: [executor],
    asDefault: false,
    runDir: folder.path,
    handleSignals: false,
  });
  const cancel = (): void => void kernel.close({ onClose: 'cancel' });
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    return await measure(kernel, plan);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

// The first one ends the measurement in order, with nothing left behind; a second one ends the process.
function abortedBySignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new SluiceError('CANCELLED', `stopped by ${signal}`)));
  }
  return stop.signal;
}

function text(figures: PerfFigures): string {
  const { executor, workers, tasks, tasksPerSecond, p50Ms, p95Ms, p99Ms, clientRssMiB } = figures;
  return `${executor}, ${workers} workers: ${tasks} tasks at ${tasksPerSecond}/s; round trip p50 ${p50Ms} ms, p95 ${p95Ms} ms, p99 ${p99Ms} ms; client ${clientRssMiB} MiB\n`;
}
