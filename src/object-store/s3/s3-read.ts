import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { messageOf, SluiceError } from '../../errors.js';
import { checkRange } from '../check-request.js';
import type { ByteRange, GetOptions, ObjectInfo } from '../object-store.js';
import { lengthOf } from '../part-plan.js';
import { backOffMs } from '../retry-policy.js';
import type { S3Requests } from './s3-requests.js';

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
  readonly body: Readable;
  /** Base64 CRC32 of the whole object, when that is what was asked for and the service has it. */
  readonly crc32: string | undefined;
}

async function openBody(requests: S3Requests, key: string, { range, ifMatch, signal }: GetOptions): Promise<OpenBody> {
  checkRange(`read s3://${requests.options.bucket}/${key}`, range);
  const output = await requests.send({ action: 'read', key, signal }, ({ sdk, client, abortSignal }) => {
    const command = new sdk.GetObjectCommand({
      Bucket: requests.options.bucket,
      Key: key,
      Range: range && `bytes=${range.start}-${range.end}`,
      IfMatch: ifMatch === undefined ? undefined : `"${ifMatch}"`,
    });
    return client.send(command, { abortSignal });
  });
  if (!(output.Body instanceof Readable)) throw broken(requests, key, 'the answer has no body');
  // Without a listener, a body that breaks before it is read would end the process.
  output.Body.on('error', () => undefined);
  destroyOnAbort(output.Body, signal);
  const length = output.ContentLength ?? 0;
  const [, from, whole] = /^bytes (\d+)-\d+\/(\d+)$/.exec(output.ContentRange ?? '') ?? [];
  const size = Number(whole ?? length);
  const start = range?.start ?? 0;
  // The whole object is right as well where it lies within the range.
  const first = from ?? (range !== undefined && length <= lengthOf(range) ? 0 : undefined);
  if (range !== undefined && Number(first) !== start) {
    output.Body.destroy();
    throw noRange(requests, key, range);
  }
  return {
    info: { key, size, etag: unquote(output.ETag), lastModifiedMs: output.LastModified?.getTime() ?? 0 },
    range: { start, end: start + length - 1 },
    body: output.Body,
    crc32: range === undefined && output.ChecksumType !== 'COMPOSITE' ? output.ChecksumCRC32 : undefined,
  };
}

async function* readChunks(
  requests: S3Requests,
  first: OpenBody,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { info, range } = first;
  const progress = { received: 0, checksum: 0, failures: 0 };
  // The last chunk is given only when all of them proved right.
  let held: Uint8Array | undefined;
  for (let current = first; ; current = await resumeBody(requests, first, progress, signal)) {
    try {
      for await (const chunk of current.body as AsyncIterable<Uint8Array>) {
        progress.received += chunk.length;
        progress.checksum = crc32(chunk, progress.checksum);
        progress.failures = 0;
        if (held !== undefined) yield held;
        held = chunk;
      }
      if (progress.received === lengthOf(range)) break;
      if (progress.received > lengthOf(range)) throw broken(requests, info.key, 'more bytes came than were announced');
    } catch (error) {
      signal?.throwIfAborted();
      // All bytes are here, so what failed is the SDK's check of their checksum.
      if (progress.received >= lengthOf(range)) throw broken(requests, info.key, messageOf(error));
    }
  }
  if (first.crc32 !== undefined && base64Of(progress.checksum) !== first.crc32) {
    throw broken(
      requests,
      info.key,
      `its CRC32 is ${base64Of(progress.checksum)}, the service announced ${first.crc32}`,
    );
  }
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

// From the answer on, not only while it is read: one that nobody reads would keep its connection.
function destroyOnAbort(body: Readable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const stop = () => void body.destroy();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  body.once('close', () => signal.removeEventListener('abort', stop));
}

/** Entity tag without its quotes, as {@link ObjectInfo} has it. */
export function unquote(etag: string | undefined): string {
  return (etag ?? '').replace(/^"(.*)"$/s, '$1');
}

function base64Of(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum);
  return bytes.toString('base64');
}

function noRange({ options }: S3Requests, key: string, { start, end }: ByteRange): SluiceError {
  const text = `the answer is not the range that was asked for, bytes ${start} to ${end}`;
  return new SluiceError('PROTOCOL', `read s3://${options.bucket}/${key}: ${text}`);
}

function broken({ options }: S3Requests, key: string, text: string): SluiceError {
  return new SluiceError('TRANSFER_FAILED', `read s3://${options.bucket}/${key}: ${text}`);
}
