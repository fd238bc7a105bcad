import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  app,
  type DataFile,
  type DataFlowKernel,
  file,
  type Io,
  type Monitor,
  type RunEvent,
} from '../../src/index.js';
import type { FaultRule } from '../../src/local-cloud/faults/fault.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { lambdaRun } from './lambda-run.js';

const invoke = { operation: 'Invoke' } as const;
const s3 = { service: 's3' } as const;

/** One request in ten fails with a 500, half of them after the work was done; and everything else there is. */
export const FAULTS: readonly FaultRule[] = [
  { ...invoke, name: 'invoke 500 before', probability: 0.05, fault: { kind: 'error' } },
  { ...invoke, name: 'invoke 500 after', probability: 0.05, fault: { kind: 'error', execution: 'after' } },
  { ...invoke, name: '429', probability: 0.05, fault: { kind: 'error', code: 'TooManyRequestsException' } },
  { ...invoke, name: 'burst of 429', probability: 0.002, fault: { kind: 'throttleBurst', forMs: 300 } },
  { ...invoke, name: 'duplicate', probability: 0.05, fault: { kind: 'duplicate' } },
  { ...invoke, name: 'killed', probability: 0.01, fault: { kind: 'killEnvironment', afterMs: 10 } },
  { ...invoke, name: 'cold', probability: 0.005, fault: { kind: 'coldStart', initMs: 200 } },
  { ...invoke, name: 'invoke slow', probability: 0.01, fault: { kind: 'slow', latencyMs: 200 } },
  { ...invoke, name: 'invoke cut upload', probability: 0.01, fault: { kind: 'cut', where: 'upload' } },
  { ...invoke, name: 'invoke cut answer', probability: 0.01, fault: { kind: 'cut', where: 'answer' } },
  { ...invoke, name: 'invoke cut body', probability: 0.01, fault: { kind: 'cut', where: 'body' } },
  { ...s3, name: 's3 500 before', probability: 0.05, fault: { kind: 'error' } },
  { ...s3, name: 's3 500 after', probability: 0.05, fault: { kind: 'error', execution: 'after' } },
  { ...s3, name: 'SlowDown', probability: 0.02, fault: { kind: 'error', code: 'SlowDown' } },
  { ...s3, name: 's3 slow', probability: 0.01, fault: { kind: 'slow', latencyMs: 100 } },
  { ...s3, name: 's3 cut upload', probability: 0.01, fault: { kind: 'cut', where: 'upload' } },
  { ...s3, name: 's3 cut answer', probability: 0.01, fault: { kind: 'cut', where: 'answer' } },
  { ...s3, name: 's3 cut body', probability: 0.02, fault: { kind: 'cut', where: 'body' } },
];

/** What came of so many tasks. */
export interface FaultyRun {
  /** Tasks whose result was not what it must be, and why. */
  readonly wrong: readonly string[];
  /** Tasks that ended in more than one way, or not at all, by the run's events. */
  readonly notEndedOnce: readonly number[];
  /** Outputs in the bucket that are missing or not whole. */
  readonly wrongOutputs: readonly string[];
  /** Runs of the code of each task. */
  readonly runs: ReadonlyMap<number, number>;
  readonly attempts: number;
  /** Faults by the name of their rule. */
  readonly injected: ReadonlyMap<string, number>;
}

const FINAL: ReadonlySet<string> = new Set(['done', 'failed', 'dependencyFailed', 'cancelled']);
const INPUTS = 20;
const inputOf = (index: number): Buffer => Buffer.alloc(5_000 + index, `input ${index} `);
const LARGE_BYTES = 5 * 2 ** 20;

/**
 * Runs `count` tasks on Lambda under {@link FAULTS}, without a retry for the code of the tasks: one in five reads and
 * writes objects, one in five depends on another task, one in a hundred has a large argument, one in a hundred a large
 * result.
 */
export async function runFaultyTasks({
  count,
  environments,
}: {
  count: number;
  environments: number;
}): Promise<FaultyRun> {
  const cloud = await startDeployedCloud({ cloud: { maxEnvironments: environments, faultSeed: 7 } });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-faulty-'));
  try {
    return await runOn(cloud, { count, environments, log: join(folder, 'runs') });
  } finally {
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOn(
  { bucket, faults }: DeployedCloud,
  { count, environments, log }: { count: number; environments: number; log: string },
): Promise<FaultyRun> {
  const store = createS3Store({ bucket });
  await Promise.all(Array.from({ length: INPUTS }, (_, index) => store.put(`in/${index}`, inputOf(index))));
  await appendFile(log, '');
  const ends = countEnds();
  const run = await lambdaRun(
    { bucket, maxConcurrency: environments },
    { retries: 0, infrastructureRetries: 8, monitors: [ends.monitor] },
  );
  try {
    faults.set(FAULTS, { seed: 7 });
    const tasks = submitAll(run.kernel, { bucket, log, count });
    const wrong = await Promise.all(tasks.map(problemOf));
    const attempts = run.kernel.stats().byExecutor.lambda?.attempts ?? 0;
    const injected = new Map(faults.counts().map(({ rule, injected }) => [rule, injected]));
    faults.set([]);
    return {
      wrong: wrong.filter((problem) => problem !== undefined),
      notEndedOnce: tasks.map(({ result }) => result.taskId).filter((taskId) => ends.of(taskId) !== 1),
      wrongOutputs: await wrongOutputs(store, tasks),
      runs: runsIn(await readFile(log, 'utf8')),
      attempts,
      injected,
    };
  } finally {
    faults.set([]);
    await run[Symbol.asyncDispose]();
    await store.close();
  }
}

/** Counts how often each task came to an end. */
function countEnds(): { readonly monitor: Monitor; of(taskId: number): number } {
  const ends = new Map<number, number>();
  const of = (taskId: number): number => ends.get(taskId) ?? 0;
  const record = (event: RunEvent): void => {
    if (event.kind === 'taskStatus' && FINAL.has(event.status)) ends.set(event.taskId, of(event.taskId) + 1);
  };
  return { monitor: { record, close: async () => {} }, of };
}

interface SubmittedTask {
  readonly index: number;
  readonly result: PromiseLike<unknown> & { readonly taskId: number };
  readonly expected: unknown;
  readonly writesOutput: boolean;
}

function submitAll(
  kernel: DataFlowKernel,
  { bucket, log, count }: { bucket: string; log: string; count: number },
): readonly SubmittedTask[] {
  const { small, copy, take, give } = faultyApps(kernel);
  const large = new Uint8Array(LARGE_BYTES).fill(7);
  let parent: ReturnType<typeof small> | undefined;
  return Array.from({ length: count }, (_, index): SubmittedTask => {
    const task = { index, writesOutput: false };
    if (index % 100 === 50) {
      return { ...task, result: take(index, log, large), expected: { index, length: LARGE_BYTES, last: 7 } };
    }
    if (index % 100 === 51) return { ...task, result: give(index, log, LARGE_BYTES), expected: index % 256 };
    if (index % 5 === 0) {
      const input = index % INPUTS;
      const options = { outputs: [`s3://${bucket}/out/${index}`] as const };
      const result = copy(index, log, file(`s3://${bucket}/in/${input}`), options);
      return { index, result, expected: { index, size: inputOf(input).length }, writesOutput: true };
    }
    const before = index % 5 === 1 ? parent : undefined;
    const result = small(index, log, before ?? null);
    if (index % 5 === 4) parent = result;
    return { ...task, result, expected: { index, square: index * index, before: before ? index - 2 : null } };
  });
}

/** Each writes its index to the log when it runs. */
function faultyApps(kernel: DataFlowKernel) {
  const small = app(
    async (index: number, log: string, before: { index: number } | null) => {
      (await import('node:fs')).appendFileSync(log, `${index}\n`);
      await new Promise((resolve) => setTimeout(resolve, index % 20));
      return { index, square: index * index, before: before?.index ?? null };
    },
    { name: 'small', kernel },
  );
  const copy = app(
    async (index: number, log: string, input: DataFile, io: Io) => {
      const { appendFileSync, readFileSync, writeFileSync } = await import('node:fs');
      appendFileSync(log, `${index}\n`);
      const text = readFileSync(input.path);
      writeFileSync(String(io.outputs[0]), Buffer.concat([text, Buffer.from(`from ${index}`)]));
      return { index, size: text.length };
    },
    { name: 'copy', kernel, io: true },
  );
  const take = app(
    async (index: number, log: string, bytes: Uint8Array) => {
      (await import('node:fs')).appendFileSync(log, `${index}\n`);
      return { index, length: bytes.length, last: bytes.at(-1) };
    },
    { name: 'take', kernel },
  );
  const give = app(
    async (index: number, log: string, length: number) => {
      (await import('node:fs')).appendFileSync(log, `${index}\n`);
      return new Uint8Array(length).fill(index % 256);
    },
    { name: 'give', kernel },
  );
  return { small, copy, take, give };
}

/** What is wrong with a result; of a large one, `expected` is what each of its bytes must be. */
async function problemOf({ index, result, expected }: SubmittedTask): Promise<string | undefined> {
  try {
    const value = await result;
    const right =
      value instanceof Uint8Array
        ? value.length === LARGE_BYTES && value.every((byte) => byte === expected)
        : JSON.stringify(value) === JSON.stringify(expected);
    return right ? undefined : `${index}: ${JSON.stringify(value).slice(0, 200)}`;
  } catch (error) {
    return `${index}: ${String(error)}`;
  }
}

async function wrongOutputs(store: ObjectStore, tasks: readonly SubmittedTask[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { index } of tasks.filter(({ writesOutput }) => writesOutput)) {
    const expected = Buffer.concat([inputOf(index % INPUTS), Buffer.from(`from ${index}`)]);
    const found = await store.get(`out/${index}`).catch((error: unknown) => Buffer.from(String(error)));
    if (!expected.equals(found)) wrong.push(`out/${index}: ${found.length} of ${expected.length} bytes`);
  }
  return wrong;
}

function runsIn(log: string): Map<number, number> {
  const runs = new Map<number, number>();
  for (const line of log.split('\n').filter((line) => line !== '')) {
    runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
  }
  return runs;
}
