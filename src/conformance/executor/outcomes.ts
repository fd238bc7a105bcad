import assert from 'node:assert/strict';
import type { Executor } from '../../executors/executor.js';
import { decode } from '../../wire/codec.js';
import { decodeError } from '../../wire/error-codec.js';
import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { ExecutorFixture } from './fixture.js';

/** Submits, with nobody to abort. */
export function run(executor: Executor, envelope: TaskEnvelope): Promise<Outcome> {
  return executor.submit(envelope, { signal: new AbortController().signal });
}

/** How a task failed: a platform may end it from outside, where a worker reports it itself. */
export async function failure(executor: Executor, envelope: TaskEnvelope): Promise<unknown> {
  try {
    return errorOf(await run(executor, envelope));
  } catch (error) {
    return error;
  }
}

/** The decoded value; an error is thrown. */
export function resultOf(outcome: Outcome): unknown {
  if (outcome.kind === 'error') throw decodeError(outcome.error);
  assert.equal(outcome.value.kind, 'inline');
  return decode((outcome.value as { bytes: Uint8Array }).bytes);
}

/** The decoded value, wherever it lies. */
export async function wholeResultOf(outcome: Outcome, fetch: ExecutorFixture['fetch']): Promise<unknown> {
  if (outcome.kind === 'error' || outcome.value.kind === 'inline') return resultOf(outcome);
  assert.ok(fetch !== undefined, `the result lies at ${outcome.value.url}: the fixture needs a fetch`);
  return decode(await fetch(outcome.value.url));
}

/** The decoded error of an outcome that must be one. */
export function errorOf(outcome: Outcome): unknown {
  assert.equal(outcome.kind, 'error', 'the task was meant to fail');
  return decodeError((outcome as { error: Uint8Array }).error);
}
