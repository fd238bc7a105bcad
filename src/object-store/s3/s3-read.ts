import { SluiceError } from '../../errors.js';
import type { Answer } from '../../http/answer.js';
import { checkRange } from '../check-request.js';
import type { ByteRange, GetOptions, ObjectInfo } from '../object-store.js';
import { lengthOf } from '../part-plan.js';
import { type OpenBody, resumingChunks } from '../resuming-body.js';
import { contentCheckOf } from './s3-content-check.js';
import { unquote } from './s3-entity-tag.js';
import type { S3Requests } from './s3-requests.js';

/** An object, or a range of it, as chunks; a body that breaks off is taken up again where it broke. */
export async function readObject(
  requests: S3Requests,
  key: string,
  options: GetOptions,
): Promise<{ readonly info: ObjectInfo; readonly chunks: AsyncIterable<Uint8Array> }> {
  const first = await openBody(requests, key, options);
  const { signal } = options;
  const chunks = resumingChunks(first, {
    name: `s3://${requests.options.bucket}/${key}`,
    reopen: (range) => openBody(requests, key, { range, ifMatch: first.info.etag, ...(signal && { signal }) }),
    retry: requests.options.retry,
    signal,
  });
  return { info: first.info, chunks };
}

async function openBody(requests: S3Requests, key: string, { range, ifMatch, signal }: GetOptions): Promise<OpenBody> {
  checkRange(`read s3://${requests.options.bucket}/${key}`, range);
  const subject = { action: 'read', key, signal, carries: 'content' } as const;
  const answer = await requests.send(subject, ({ wire, abortSignal }) => {
    const headers = {
      range: range && `bytes=${range.start}-${range.end}`,
      'if-match': ifMatch === undefined ? undefined : `"${ifMatch}"`,
      'x-amz-checksum-mode': range === undefined ? 'ENABLED' : undefined,
    };
    return wire.send({ method: 'GET', key, headers, signal: abortSignal, lasting: signal });
  });
  const { body } = answer;
  const length = Number(answer.headers['content-length'] ?? 0);
  const [, from, whole] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '') ?? [];
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
  const modified = Date.parse(answer.headers['last-modified'] ?? '');
  const info = {
    key,
    size,
    etag: unquote(answer.headers.etag),
    lastModifiedMs: Number.isNaN(modified) ? 0 : modified,
  };
  const crc32 =
    answer.headers['x-amz-checksum-type'] === 'COMPOSITE' ? undefined : answer.headers['x-amz-checksum-crc32'];
  return crc32 === undefined || crc32.includes('-')
    ? info
    : { ...info, crc32: Buffer.from(crc32, 'base64').readUInt32BE() };
}

function noRange({ options }: S3Requests, key: string, { start, end }: ByteRange): SluiceError {
  const text = `the answer is not the range that was asked for, bytes ${start} to ${end}`;
  return new SluiceError('PROTOCOL', `read s3://${options.bucket}/${key}: ${text}`);
}
