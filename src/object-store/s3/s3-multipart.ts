import { randomUUID } from 'node:crypto';
import { SluiceError } from '../../errors.js';
import { queryOf } from '../../http/aws-signature.js';
import type { ByteRange, ObjectInfo, PutOptions, ReadPart } from '../object-store.js';
import { planParts } from '../part-plan.js';
import { readPart } from '../read-part.js';
import { runParallel } from '../run-parallel.js';
import { completedTagIn, completionOf, type UploadedPart, uploadIdIn } from './s3-documents.js';
import type { S3Requests } from './s3-requests.js';
import { CRC32, checksumOf, conditionsOf, MARK, putObject, writeOnce } from './s3-write.js';
import { endLeftUploads, noteUpload } from './upload-notes.js';

/** Writes one object in parallel parts; whatever fails, none of them stays. */
export async function putObjectParts(
  requests: S3Requests,
  key: string,
  size: number,
  read: ReadPart,
  options: PutOptions,
): Promise<ObjectInfo> {
  const name = `s3://${requests.options.bucket}/${key}`;
  const ranges = planParts(size);
  const [only] = ranges;
  if (only === undefined) return putObject(requests, key, new Uint8Array(), options);
  const hold = (range: ByteRange, signal: AbortSignal | undefined, spare: Uint8Array[] = []) =>
    requests.buffers.hold(range, (one) => readPart(name, one, (part) => read(part, spare.pop())), signal);
  if (ranges.length === 1) {
    const part = await hold(only, options.signal);
    return await putObject(requests, key, part.bytes, options).finally(part.release);
  }
  const upload = { key, mark: randomUUID(), uploadId: '', ...options };
  upload.uploadId = await createUpload(requests, upload);
  const bucket = await requests.place();
  const note = noteUpload({ bucket, key, uploadId: upload.uploadId });
  const othersEnd = endLeftUploads(bucket, (left) => isEnded(requests, left)).catch(() => undefined);
  try {
    const limit = Math.min(PARALLEL_PARTS, requests.options.concurrency);
    const spare: Uint8Array[] = [];
    const parts = await runParallel(
      [...ranges.entries()],
      { limit, signal: options.signal },
      async ([index, range], signal) => {
        const { bytes, release } = await hold(range, signal, spare);
        const sending = putPart(requests, { ...upload, partNumber: index + 1, signal }, bytes);
        const part = await sending.finally(release);
        // Where others wait for memory, what is not in use is not kept.
        if (!requests.buffers.isContended) spare.push(bytes);
        return part;
      },
    );
    const etag = await completeUpload(requests, upload, parts);
    return { key, size, etag, lastModifiedMs: Date.now() };
  } catch (error) {
    await abortUpload(requests, upload).catch(() => undefined);
    throw error;
  } finally {
    note.remove();
    await othersEnd;
  }
}

/** Ends an upload of one who was killed; `false` where it may still be there. */
async function isEnded(requests: S3Requests, left: Pick<Upload, 'key' | 'uploadId'>): Promise<boolean> {
  try {
    await abortUpload(requests, left);
    return true;
  } catch (error) {
    return error instanceof SluiceError && error.code === ENDED_BEFORE;
  }
}

/** Parts in flight at a time: each is held in memory. */
const PARALLEL_PARTS = 6;

interface Upload extends PutOptions {
  readonly key: string;
  readonly mark: string;
  readonly uploadId: string;
}

async function createUpload(requests: S3Requests, { key, mark, contentType, signal }: Upload): Promise<string> {
  const headers = {
    'content-type': contentType ?? 'application/octet-stream',
    [MARK]: mark,
    'x-amz-checksum-algorithm': 'CRC32',
    ...WHOLE_CHECKSUM,
  };
  const uploadId = await requests.send({ action: 'write', key, signal }, async ({ wire, abortSignal }) =>
    uploadIdIn(await wire.ask({ method: 'POST', key, query: 'uploads=', headers, signal: abortSignal })),
  );
  if (uploadId !== undefined) return uploadId;
  throw new SluiceError('PROTOCOL', `write s3://${requests.options.bucket}/${key}: the answer has no upload id`);
}

/** A checksum of the whole, not of the parts' checksums: readers can verify it. */
const WHOLE_CHECKSUM = { 'x-amz-checksum-type': 'FULL_OBJECT' };

async function putPart(
  requests: S3Requests,
  { key, uploadId, partNumber, signal }: Upload & { readonly partNumber: number },
  body: Uint8Array,
): Promise<UploadedPart> {
  const headers = checksumOf(body);
  const query = queryOf({ partNumber: String(partNumber), uploadId });
  const subject = { action: 'write', key, signal, carries: 'content' } as const;
  const etag = await requests.send(subject, async ({ wire, abortSignal }) => {
    const answer = await wire.send({ method: 'PUT', key, query, headers, body, signal: abortSignal });
    return answer.headers.etag;
  });
  return { partNumber, etag, crc32: headers[CRC32] };
}

function completeUpload(requests: S3Requests, upload: Upload, parts: readonly UploadedPart[]): Promise<string> {
  const { key, uploadId } = upload;
  const headers = { 'content-type': 'application/xml', ...WHOLE_CHECKSUM, ...conditionsOf(upload) };
  const request = { method: 'POST', key, query: queryOf({ uploadId }), headers } as const;
  const body = Buffer.from(completionOf(parts));
  return writeOnce(requests, upload, async ({ wire, abortSignal: signal }) =>
    completedTagIn(await wire.ask({ ...request, body, signal })),
  );
}

/**
 * Ends an upload and everything it has stored: again and again until there is none, as a part that was still on its way
 * may be kept by the first time. Source: AbortMultipartUpload, Amazon S3 API Reference.
 */
async function abortUpload(requests: S3Requests, { key, uploadId }: Pick<Upload, 'key' | 'uploadId'>): Promise<void> {
  const query = queryOf({ uploadId });
  for (let round = 0; round < ABORT_ROUNDS; round += 1) {
    // Without the caller's signal: it may be what ended the upload. A missing upload rejects, and ends the rounds.
    await requests.send({ action: 'end upload of', key }, ({ wire, abortSignal }) =>
      wire.send({ method: 'DELETE', key, query, signal: abortSignal }),
    );
  }
}

const ABORT_ROUNDS = 3;
/** What an upload that is not there any more is answered with. */
const ENDED_BEFORE = 'TRANSFER_FAILED';
