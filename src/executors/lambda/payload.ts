import { parseObjectUrl } from '../../data/data-file.js';
import { SluiceError } from '../../errors.js';
import type { ObjectStore } from '../../object-store/object-store.js';
import { decode, encode } from '../../wire/codec.js';
import { INLINE_LIMIT_BYTES, type LambdaEvent, type LambdaReply } from '../../wire/lambda-message.js';
import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';

/** Where the run's payloads lie that are too large for Lambda. */
export interface Spill {
  readonly store: ObjectStore;
  /** Key prefix of one attempt, no two alike. */
  readonly prefix: string;
}

/** The payload of an invocation; a task above the limit is written to the bucket first. @throws {SluiceError} `NOT_SENDABLE` */
export async function writePayload(
  envelope: TaskEnvelope,
  spill: Spill | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { bytes } = encode(envelope);
  const spillTo = spill === undefined ? {} : { spillTo: `${spill.store.url}/${spill.prefix}/result` };
  if (bytes.byteLength <= INLINE_LIMIT_BYTES)
    return toJson({ kind: 'run', task: Buffer.from(bytes).toString('base64'), ...spillTo });
  if (spill === undefined) throw tooLarge(envelope, bytes.byteLength);
  const key = `${spill.prefix}/task`;
  await spill.store.putParts(key, bytes.byteLength, async ({ start, end }) => bytes.subarray(start, end + 1), {
    signal,
  });
  return toJson({ kind: 'run', taskAt: `${spill.store.url}/${key}`, ...spillTo });
}

/** The outcome in a handler's answer, fetched where it is too large for one. @throws {SluiceError} `PROTOCOL` */
export async function readPayload(
  payload: Uint8Array,
  spill: Spill | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const reply = parseReply(payload);
  if (reply.kind === 'outcome') return decode(Buffer.from(reply.outcome, 'base64')) as Outcome;
  if (spill === undefined)
    throw new SluiceError('PROTOCOL', `the worker wrote its outcome to ${reply.url}, and this executor has no bucket`);
  return decode(await spill.store.get(parseObjectUrl(reply.url).key, { signal })) as Outcome;
}

function parseReply(payload: Uint8Array): LambdaReply {
  const text = Buffer.from(payload).toString();
  try {
    const reply = JSON.parse(text) as LambdaReply;
    if (reply.kind === 'outcome' && typeof reply.outcome === 'string') return reply;
    if (reply.kind === 'outcomeAt' && typeof reply.url === 'string') return reply;
  } catch (error) {
    throw notUnderstood(text, error);
  }
  throw notUnderstood(text, undefined);
}

function notUnderstood(text: string, cause: unknown): SluiceError {
  return new SluiceError('PROTOCOL', `the worker's answer is not understood: ${text.slice(0, 200)}`, { cause });
}

function toJson(event: LambdaEvent): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}

function tooLarge(envelope: TaskEnvelope, bytes: number): SluiceError {
  const { taskId, app } = envelope;
  const code = app.bundle?.kind === 'inline' ? Buffer.byteLength(app.bundle.text) : 0;
  const parts = code * 2 > bytes ? `, ${mebibytes(code)} of them the code it imports` : ' with its arguments';
  const wayOut = code * 2 > bytes ? '' : ', or pass files';
  return new SluiceError(
    'NOT_SENDABLE',
    `task ${taskId} '${app.name}' is ${mebibytes(bytes)}${parts}, more than a Lambda payload holds: give LambdaExecutor a bucket${wayOut}`,
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
