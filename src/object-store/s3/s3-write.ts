import { randomUUID } from 'node:crypto';
import { base64OfCrc32 } from '../../checksums/combine-crcs.js';
import { crc32 } from '../../checksums/crc32.js';
import { SluiceError } from '../../errors.js';
import type { Answer } from '../../http/answer.js';
import type { ObjectInfo, PutOptions } from '../object-store.js';
import { unquote } from './s3-entity-tag.js';
import type { RequestSubject, S3Requests } from './s3-requests.js';

/** Writes one object in one request. */
export async function putObject(
  requests: S3Requests,
  key: string,
  body: Uint8Array,
  options: PutOptions,
): Promise<ObjectInfo> {
  const mark = randomUUID();
  const headers = {
    ...checksumOf(body),
    'content-type': options.contentType ?? 'application/octet-stream',
    ...conditionsOf(options),
    [MARK]: isConditional(options) ? mark : undefined,
  };
  const write = { key, mark, carries: 'content', ...options } as const;
  const etag = await writeOnce(requests, write, async ({ wire, abortSignal: signal }) => {
    const answer = await wire.send({ method: 'PUT', key, headers, body, signal });
    return answer.headers.etag;
  });
  return { key, size: body.length, etag, lastModifiedMs: Date.now() };
}

/** Header of a body's CRC-32, in base64. */
export const CRC32 = 'x-amz-checksum-crc32';

/** Headers that let the service check the bytes it gets. */
export function checksumOf(body: Uint8Array): Readonly<Record<'x-amz-sdk-checksum-algorithm' | typeof CRC32, string>> {
  return { 'x-amz-sdk-checksum-algorithm': 'CRC32', [CRC32]: base64OfCrc32(crc32(body)) };
}

/** Header of the metadata by which a write whose answer got lost is known again. */
export const MARK = 'x-amz-meta-sluice-write';

type Run = Parameters<S3Requests['send']>[1];

interface Write extends PutOptions, Pick<RequestSubject, 'carries'> {
  readonly key: string;
  readonly mark: string;
}

/**
 * Sends a write and resolves with the entity tag. An attempt whose answer got lost may have been carried out, and then
 * the next one fails its own condition: the mark in the object tells whether it did.
 */
export async function writeOnce(
  requests: S3Requests,
  { key, mark, ifMatch, signal, carries }: Write,
  run: (attempt: Parameters<Run>[0]) => Promise<string | undefined>,
): Promise<string> {
  let attempts = 0;
  try {
    const etag = await requests.send({ action: 'write', key, signal, carries }, (attempt) => {
      attempts += 1;
      return run(attempt);
    });
    // Some servers leave the tag out of their answer to a finished multipart upload (radosgw 16 does).
    return unquote(etag) || unquote((await headOf(requests, key, signal)).headers.etag);
  } catch (error) {
    const code = error instanceof SluiceError ? error.code : '';
    if (attempts > 1 && MAY_BE_OURS.has(code)) {
      const found = await markedEtag(requests, key, mark, signal);
      if (found !== undefined) return found;
    }
    // S3 answers 404 when the version to replace is gone.
    if (ifMatch !== undefined && error instanceof SluiceError && isMissingObject(error)) {
      throw new SluiceError('PRECONDITION_FAILED', error.message, { cause: error.cause });
    }
    throw error;
  }
}

const MAY_BE_OURS: ReadonlySet<string> = new Set(['PRECONDITION_FAILED', 'TRANSFER_FAILED', 'SERVICE_FAILED']);

function isMissingObject({ code, cause }: SluiceError): boolean {
  return code === 'NOT_FOUND' && !(cause instanceof Error && cause.name === 'NoSuchBucket');
}

async function markedEtag(
  requests: S3Requests,
  key: string,
  mark: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const answer = await headOf(requests, key, signal);
    return answer.headers[MARK] === mark ? unquote(answer.headers.etag) : undefined;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

function headOf(requests: S3Requests, key: string, signal: AbortSignal | undefined): Promise<Answer> {
  return requests.send({ action: 'read', key, signal }, ({ wire, abortSignal }) =>
    wire.send({ method: 'HEAD', key, signal: abortSignal }),
  );
}

function isConditional({ ifAbsent, ifMatch }: PutOptions): boolean {
  return ifAbsent === true || ifMatch !== undefined;
}

/** The headers of a write's conditions. */
export function conditionsOf({ ifAbsent, ifMatch }: PutOptions): Readonly<Record<string, string>> {
  if (ifAbsent) return { 'if-none-match': '*' };
  return ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` };
}
