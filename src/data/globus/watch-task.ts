import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../errors.js';
import type { GlobusApi, GlobusTask } from './globus-api.js';
import { finalFault } from './globus-errors.js';

export interface WatchOptions {
  /** For messages: what the task is for. */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** Time before the first look. */
  readonly pollMs: number;
  /** Told how many bytes have moved in all. */
  readonly onBytes?: (bytes: number) => void;
}

/** The longest time between two looks, in multiples of the first one. */
const LONGEST_POLL = 30;
const POLL_GROWTH = 1.5;

/**
 * Resolves when a task has succeeded. One that cannot, though Globus goes on trying, that takes too long, or that nobody
 * waits for any more is cancelled, and its end waited for, so that it writes nothing later.
 *
 * @throws {SluiceError} `NOT_FOUND`, `ACCESS_DENIED`, `INVALID_OPTIONS` or `TRANSFER_FAILED` by the fault, `SERVICE_FAILED` at the
 *   deadline, or with `signal.reason`
 */
export async function watchTask(api: GlobusApi, id: string, options: WatchOptions): Promise<void> {
  const { what, signal, deadlineMs, pollMs, onBytes } = options;
  const giveUpAt = Date.now() + deadlineMs;
  try {
    for (let waitMs = pollMs; ; waitMs = Math.min(waitMs * POLL_GROWTH, pollMs * LONGEST_POLL)) {
      await sleep(Math.min(waitMs, Math.max(0, giveUpAt - Date.now())), undefined, { signal });
      const task = await api.task(id, signal);
      onBytes?.(task.bytes);
      if (task.status === 'SUCCEEDED') return;
      const failure = failureOf(what, id, task);
      if (failure !== undefined) throw failure;
      if (Date.now() >= giveUpAt) throw lateError(what, id, task, deadlineMs);
    }
  } catch (error) {
    await endTask(api, id, pollMs);
    signal.throwIfAborted();
    throw error;
  }
}

/** Time in which a cancelled task has to end; whoever gave up does not wait longer. */
const END_MS = 10_000;

/** Cancels a task that has not ended, and waits until it has; never rejects. */
async function endTask(api: GlobusApi, id: string, pollMs: number): Promise<void> {
  const late = AbortSignal.timeout(END_MS);
  try {
    if (hasEnded(await api.task(id, late))) return;
    await api.cancel(id, late);
    while (!hasEnded(await api.task(id, late))) await sleep(pollMs, undefined, { signal: late });
  } catch {
    // Its deadline, which Globus knows, ends it.
    return;
  }
}

function hasEnded({ status }: GlobusTask): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

function failureOf(what: string, id: string, task: GlobusTask): SluiceError | undefined {
  const { status, nice, text, fatal, faults } = task;
  if (status === 'FAILED') {
    const code = finalFault(fatal?.code ?? '') ?? 'TRANSFER_FAILED';
    const why = fatal === undefined ? text || nice : `${fatal.code}: ${fatal.description}`;
    return new SluiceError(code, `cannot ${what}: Globus's task ${id} failed: ${why}`);
  }
  if (status === 'INACTIVE') {
    const suspended = `cannot ${what}: Globus has suspended its task ${id}: the credentials have ended: log in again`;
    return new SluiceError('ACCESS_DENIED', suspended);
  }
  const code = finalFault(nice);
  if (code === undefined) return undefined;
  return new SluiceError(code, `cannot ${what}: Globus's task ${id} has met ${nice} ${faults} times: ${text}`);
}

function lateError(what: string, id: string, { nice, text, isPaused }: GlobusTask, deadlineMs: number): SluiceError {
  const state = isPaused ? 'it is paused by the administrator of a collection' : `its state is ${nice}: ${text}`;
  return new SluiceError(
    'SERVICE_FAILED',
    `cannot ${what}: Globus's task ${id} was not done within ${deadlineMs} ms, and is cancelled; ${state}`,
  );
}
