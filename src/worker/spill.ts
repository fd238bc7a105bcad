import { randomUUID } from 'node:crypto';
import { SluiceError } from '../errors.js';
import { encodeError } from '../wire/error-codec.js';
import type { Outcome } from '../wire/outcome.js';
import { type OutcomePlace, packOutcome } from '../wire/pilot/envelope-parts.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';
import type { WorkerSetup } from '../wire/worker/worker-message.js';
import type { Backends } from './backends.js';

/** What packing an outcome takes. */
export interface SpillParts {
  readonly setup: WorkerSetup;
  readonly backends: Backends;
  readonly place: OutcomePlace;
}

/**
 * An outcome as parts of a message. A value that is larger than `setup.spill` allows lies in a file or an object and
 * travels as a reference; what is too large for a message becomes the error `NOT_SENDABLE`.
 */
export async function packWithin(
  outcome: Outcome,
  envelope: TaskEnvelope,
  { setup, backends, place }: SpillParts,
): Promise<Uint8Array[]> {
  const { app, taskId, attempt } = envelope;
  try {
    const kept = await spilled(outcome, `value-${taskId}-${attempt}`, setup.spill, backends);
    const parts = packOutcome(kept, place);
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (bytes <= setup.maxResultBytes) return parts;
    throw new SluiceError(
      'NOT_SENDABLE',
      `the result of task ${taskId} '${app.name}' has ${bytes} bytes, and a message ${setup.maxResultBytes} at most: ` +
        'return a file (outputs), let large values spill to a store, or raise maxMessageBytes',
    );
  } catch (error) {
    return packOutcome({ kind: 'error', error: encodeError(error, { app: app.name }), usage: outcome.usage });
  }
}

/** Whether {@link packWithin} has more to do than to pack: most results are small, and do not wait for anything. */
export function needsSpill(outcome: Outcome, { spill, maxResultBytes }: WorkerSetup): boolean {
  const bytes = outcome.kind === 'error' ? outcome.error : inlineBytes(outcome.value);
  return bytes.byteLength > Math.min(spill?.bytes ?? Number.POSITIVE_INFINITY, maxResultBytes - HEAD_BYTES);
}

/** What is to be told beside an outcome, since tasks that read the files are better off there, or find them there. */
export function placeOf(
  { outputs }: TaskEnvelope,
  { manager }: WorkerSetup,
  read: readonly number[] | undefined,
): OutcomePlace {
  return outputs.length > 0 || read !== undefined ? { manager, read } : NOWHERE;
}

const NOWHERE: OutcomePlace = {};

/** More than what surrounds a result takes. */
const HEAD_BYTES = 1_024;
const NOTHING = new Uint8Array(0);

type Value = (Outcome & { kind: 'value' })['value'];

function inlineBytes(value: Value): Uint8Array {
  return value.kind === 'inline' ? value.bytes : NOTHING;
}

async function spilled(
  outcome: Outcome,
  name: string,
  spill: WorkerSetup['spill'],
  backends: Backends,
): Promise<Outcome> {
  if (spill === undefined || outcome.kind === 'error' || outcome.value.kind !== 'inline') return outcome;
  const { bytes, files } = outcome.value;
  if (bytes.byteLength <= spill.bytes) return outcome;
  // Two attempts of one number may run at a time, when a manager was taken for lost: each writes its own.
  const url = `${spill.url}/${name}-${randomUUID()}`;
  await backends.keep(url, bytes);
  return { ...outcome, value: { kind: 'reference', url, size: bytes.byteLength, files } };
}
