import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SluiceError } from '../errors.js';
import type { AnswerBody } from '../http/answer-body.js';
import type { ContentCheck } from './content-check.js';
import type { ByteRange, ObjectInfo } from './object-store.js';
import { lengthOf } from './part-plan.js';
import { backOffMs, type RetryPolicy } from './retry-policy.js';

/** One answer of the service: its body holds the bytes of `range`. */
export interface OpenBody {
  readonly info: ObjectInfo;
  readonly range: ByteRange;
  readonly body: AnswerBody;
  /** Absent where nothing is known of all the bytes of `range`. */
  readonly check: ContentCheck | undefined;
}

export interface ResumingOptions {
  /** URL of the object, for errors. */
  readonly name: string;
  /** Asks for the rest of the same version; rejects with `PRECONDITION_FAILED` when it is not the object any more. */
  readonly reopen: (range: ByteRange) => Promise<OpenBody>;
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal | undefined;
}

/** The chunks of a body; one that breaks off is taken up again where it broke. */
export async function* resumingChunks(
  first: OpenBody,
  options: ResumingOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { range, check } = first;
  const progress = { received: 0, failures: 0 };
  // The last chunk is given only when all of them proved right.
  let held: Uint8Array | undefined;
  for (let current = first; ; current = await resume(first, progress, options)) {
    try {
      for await (const chunk of current.body) {
        progress.received += chunk.length;
        check?.update(chunk);
        progress.failures = 0;
        if (held !== undefined) yield held;
        held = chunk;
      }
      if (progress.received === lengthOf(range)) break;
      if (progress.received > lengthOf(range)) throw broken(options, 'more bytes came than were announced');
    } catch (error) {
      options.signal?.throwIfAborted();
      // All bytes are here, and more: what failed is not the connection.
      if (progress.received >= lengthOf(range)) throw broken(options, messageOf(error));
    }
  }
  const complaint = check?.complaint();
  if (complaint !== undefined) throw broken(options, complaint);
  if (held !== undefined) yield held;
}

async function resume(
  { range }: OpenBody,
  progress: { readonly received: number; failures: number },
  options: ResumingOptions,
): Promise<OpenBody> {
  const { retry, signal } = options;
  progress.failures += 1;
  if (progress.failures >= retry.attempts) throw broken(options, `broke off ${progress.failures} times in a row`);
  await sleep(backOffMs(retry, progress.failures), undefined, signal && { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  try {
    return await options.reopen({ start: range.start + progress.received, end: range.end });
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'PRECONDITION_FAILED') {
      throw broken(options, 'the object changed while it was being read');
    }
    throw error;
  }
}

function broken({ name }: ResumingOptions, text: string): SluiceError {
  return new SluiceError('TRANSFER_FAILED', `read ${name}: ${text}`);
}
