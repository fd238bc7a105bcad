import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SluiceError } from '../../errors.js';
import { checkRange } from '../check-request.js';
import type { ByteRange, GetOptions, ObjectInfo } from '../object-store.js';
import { lengthOf } from '../part-plan.js';
import { backOffMs } from '../retry-policy.js';
import type { Answer, AnswerBody } from './s3-answer.js';
import { type ContentCheck, contentCheckOf } from './s3-content-check.js';
import type { S3Requests } from './s3-requests.js';
import { headerOf } from './s3-wire.js';

/** An object, or a range of it, as chunks; a body that breaks off is taken up again where it broke. */
export async function readObject(
  requests: S3Requests,
  key: string,
  options: GetOptions,
): Promise<{ readonly info: ObjectInfo; readonly chunks: AsyncIterable<Uint8Array> }> {
  const first = await openBody(requests, key, options);
  return { info: first.info, chunks: readChunks(requests, first, options.signal) };
}

/** One answer of the service: its body holds the bytes of `range`. */
interface OpenBody {
  readonly info: ObjectInfo;
  readonly range: ByteRange;
  readonly body: AnswerBody;
  /** Absent for a part of an object. */
  readonly check: ContentCheck | undefined;
}

async function openBody(requests: S3Requests, key: string, { range, ifMatch, signal }: GetOptions): Promise<OpenBody> {
  checkRange(`read s3://${requests.options.bucket}/${key}`, range);
  const answer = await requests.send({ action: 'read', key, signal }, ({ wire, abortSignal }) => {
    const headers = {
      range: range && `bytes=${range.start}-${range.end}`,
      'if-match': ifMatch === undefined ? undefined : `"${ifMatch}"`,
      'x-amz-checksum-mode': range === undefined ? 'ENABLED' : undefined,
    };
    return wire.send({ method: 'GET', key, headers, signal: abortSignal, lasting: signal });
  });
  const { body } = answer;
  const length = Number(headerOf(answer, 'content-length') ?? 0);
  const [, from, whole] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headerOf(answer, 'content-range') ?? '') ?? [];
  const start = range?.start ?? 0;
  // The whole object is right as well where it lies within the range.
  const first = from ?? (range !== undefined && length <= lengthOf(range) ? 0 : undefined);
  if (range !== undefined && Number(first) !== start) {
    body.destroy();
    throw noRange(requests, key, range);
  }
  return {
    info: infoOf(key, answer, Number(whole ?? length)),
    range: { start, end: start + length - 1 },
    body,
    check: range === undefined ? contentCheckOf(answer) : undefined,
  };
}

/** What the headers of an answer say of an object. */
export function infoOf(key: string, answer: Answer, size: number): ObjectInfo {
  const modified = Date.parse(headerOf(answer, 'last-modified') ?? '');
  const info = {
    key,
    size,
    etag: unquote(headerOf(answer, 'etag')),
    lastModifiedMs: Number.isNaN(modified) ? 0 : modified,
  };
  const crc32 =
    headerOf(answer, 'x-amz-checksum-type') === 'COMPOSITE' ? undefined : headerOf(answer, 'x-amz-checksum-crc32');
  return crc32 === undefined || crc32.includes('-')
    ? info
    : { ...info, crc32: Buffer.from(crc32, 'base64').readUInt32BE() };
}

async function* readChunks(
  requests: S3Requests,
  first: OpenBody,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { info, range, check } = first;
  const progress = { received: 0, failures: 0 };
  // The last chunk is given only when all of them proved right.
  let held: Uint8Array | undefined;
  for (let current = first; ; current = await resumeBody(requests, first, progress, signal)) {
    try {
      for await (const chunk of current.body) {
        progress.received += chunk.length;
        check?.update(chunk);
        progress.failures = 0;
        if (held !== undefined) yield held;
        held = chunk;
      }
      if (progress.received === lengthOf(range)) break;
      if (progress.received > lengthOf(range)) throw broken(requests, info.key, 'more bytes came than were announced');
    } catch (error) {
      signal?.throwIfAborted();
      // All bytes are here, and more: what failed is not the connection.
      if (progress.received >= lengthOf(range)) throw broken(requests, info.key, messageOf(error));
    }
  }
  const complaint = check?.complaint();
  if (complaint !== undefined) throw broken(requests, info.key, complaint);
  if (held !== undefined) yield held;
}

async function resumeBody(
  requests: S3Requests,
  first: OpenBody,
  progress: { readonly received: number; failures: number },
  signal: AbortSignal | undefined,
): Promise<OpenBody> {
  const { retry } = requests.options;
  progress.failures += 1;
  const { key, etag } = first.info;
  if (progress.failures >= retry.attempts) throw broken(requests, key, `broke off ${progress.failures} times in a row`);
  await sleep(backOffMs(retry, progress.failures), undefined, signal && { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  const range = { start: first.range.start + progress.received, end: first.range.end };
  try {
    return await openBody(requests, key, { range, ifMatch: etag, ...(signal && { signal }) });
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'PRECONDITION_FAILED') {
      throw broken(requests, key, 'the object changed while it was being read');
    }
    throw error;
  }
}

/** Entity tag without its quotes, as {@link ObjectInfo} has it. */
export function unquote(etag: string | undefined): string {
  return (etag ?? '').replace(/^"(.*)"$/s, '$1');
}

function noRange({ options }: S3Requests, key: string, { start, end }: ByteRange): SluiceError {
  const text = `the answer is not the range that was asked for, bytes ${start} to ${end}`;
  return new SluiceError('PROTOCOL', `read s3://${options.bucket}/${key}: ${text}`);
}

function broken({ options }: S3Requests, key: string, text: string): SluiceError {
  return new SluiceError('TRANSFER_FAILED', `read s3://${options.bucket}/${key}: ${text}`);
}
