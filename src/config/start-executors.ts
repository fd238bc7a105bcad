import * as z from 'zod';
import { SluiceError } from '../errors.js';
import type { Executor, RunContext } from '../executors/executor.js';
import { parseOptions } from '../parse-options.js';

/** Executors that some kernel has, or had: each serves one kernel, once. */
const taken = new WeakSet<Executor>();

const hasMethod = (value: unknown, name: string): boolean =>
  typeof (value as Record<string, unknown> | null)?.[name] === 'function';
const isExecutor = (value: unknown): boolean =>
  hasMethod(value, 'submit') && typeof (value as Executor).label === 'string';

/** What a config, and `addExecutors`, takes: at least one executor. */
export const executorsSchema: z.ZodType<readonly Executor[]> = z
  .array(z.custom<Executor>(isExecutor, 'expected an executor, with a label'))
  .min(1)
  .readonly();

/** @throws {SluiceError} `INVALID_OPTIONS` naming what is no executor */
export function checkExecutors(executors: unknown): readonly Executor[] {
  return parseOptions(executorsSchema, executors, 'executors');
}

/**
 * Refuses executors that another kernel has or had, without touching them: a second kernel that failed to load would
 * close them under the first.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` naming them
 */
export function refuseTakenExecutors(executors: readonly Executor[]): void {
  const used = executors.filter((executor) => taken.has(executor));
  if (used.length === 0) return;
  const names = used.map(({ label }) => `executor '${label}'`).join(', ');
  throw new SluiceError(
    'INVALID_OPTIONS',
    `${names} has been started before: an executor serves one kernel, once, so make new ones for each load (a function that returns the config does)`,
  );
}

/** How executors are started. */
export interface StartOptions {
  /** Makes what they need of the client first; when it fails, the executors are as new. */
  readonly prepare: (executors: readonly Executor[]) => Promise<void>;
  readonly graceMs: number;
}

/**
 * Starts all. Rejects with the first failure, after whatever had started is ended again; with `INVALID_OPTIONS`, and
 * without touching any, when one is another kernel's.
 */
export async function startExecutors(
  executors: readonly Executor[],
  run: RunContext,
  { prepare, graceMs }: StartOptions,
): Promise<void> {
  refuseTakenExecutors(executors);
  for (const executor of executors) taken.add(executor);
  await prepare(executors).catch((error: unknown) => {
    for (const executor of executors) taken.delete(executor);
    throw error;
  });
  const starts = await Promise.allSettled(executors.map(async (executor) => executor.start(run)));
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed === undefined) return;
  await Promise.allSettled(executors.map(async (executor) => executor.close({ graceMs })));
  throw failed.reason;
}
