import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { localFailure } from '../data/write-whole.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';
import type { RunBucket } from './run-bucket.js';

/** Whether a value the task needs lies on this machine's disk: another executor, whose workers share it, left it there. */
export function hasLocalValues({ slots }: TaskEnvelope): boolean {
  return slots.some(isLocal);
}

/**
 * The task with such values in the bucket, each uploaded once, or, without one, with their bytes in the envelope.
 * Rejects as {@link FileRelay.send} does.
 */
export async function withoutLocalValues(
  envelope: TaskEnvelope,
  bucket: RunBucket | undefined,
  signal: AbortSignal,
): Promise<TaskEnvelope> {
  const moved = async (value: EncodedValue): Promise<EncodedValue> => {
    if (!isLocal(value)) return value;
    if (bucket === undefined) return { kind: 'inline', bytes: await read(value.url, signal), files: value.files };
    const { [value.url]: url = value.url } = await bucket.relay.send([value.url], { signal });
    return { ...value, url };
  };
  return { ...envelope, slots: await Promise.all(envelope.slots.map(moved)) };
}

function isLocal(value: EncodedValue): value is EncodedValue & { kind: 'reference' } {
  return value.kind === 'reference' && value.url.startsWith('file:');
}

async function read(url: string, signal: AbortSignal): Promise<Uint8Array> {
  const path = fileURLToPath(url);
  return readFile(path, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw localFailure(`read the value ${path}`, error);
  });
}
