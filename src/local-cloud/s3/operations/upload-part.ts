import type { ByteRange } from '../../store/data-files.js';
import { parseBodyExpectation } from '../body/body-expectation.js';
import { type BodyFacts, verifiedBody } from '../body/verified-body.js';
import { type ChecksumAlgorithm, checksumElement, checksumHeader } from '../checksums/checksum.js';
import { integerParameter, invalidArgument } from '../parameters.js';
import { replyEmpty, replyXml } from '../reply.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import type { Bucket } from '../store/bucket.js';
import type { MultipartUpload, UploadedPart } from '../store/multipart-upload.js';
import { copiedBody, findCopySource } from './copy-source.js';
import { bucketName, type Operation, objectKey, type S3Context } from './operation.js';

const ON_A_PART = { on: 'object', method: 'PUT', needs: ['partNumber', 'uploadId'] } as const;

export const UPLOAD_PART: Operation = { name: 'UploadPart', ...ON_A_PART, run: uploadPart };

export const UPLOAD_PART_COPY: Operation = {
  name: 'UploadPartCopy',
  ...ON_A_PART,
  needsHeader: 'x-amz-copy-source',
  run: uploadPartCopy,
};

async function uploadPart(request: S3Request, context: S3Context): Promise<void> {
  const { bucket, upload, number } = findUpload(request, context);
  const expectation = parseBodyExpectation(request.headers);
  const given = expectation.checksum?.algorithm;
  checkAlgorithm(upload, given);
  const { algorithm } = upload.checksum;
  const content = verifiedBody(request.body, { payload: request.payload, expectation, algorithm });
  const { part, facts } = await storePart(bucket, { upload, number, now: context.now }, content);
  const sum = facts.givenChecksum ?? facts.checksum;
  replyEmpty(request, 200, { etag: `"${part.etag}"`, [checksumHeader(given ?? algorithm)]: sum });
}

async function uploadPartCopy(request: S3Request, context: S3Context): Promise<void> {
  const { bucket, upload, number } = findUpload(request, context);
  const source = findCopySource(request, context);
  const range = copyRange(request.headers.get('x-amz-copy-source-range'), source.record.size);
  const content = copiedBody(source, upload.checksum.algorithm, range);
  const { part } = await storePart(bucket, { upload, number, now: context.now }, content);
  replyXml(request, 'CopyPartResult', {
    ETag: `"${part.etag}"`,
    LastModified: new Date(part.lastModifiedMs).toISOString(),
    [checksumElement(upload.checksum.algorithm)]: part.checksum,
  });
}

function findUpload(
  request: S3Request,
  { buckets }: S3Context,
): { bucket: Bucket; upload: MultipartUpload; number: number } {
  const bucket = buckets.get(bucketName(request));
  const number = integerParameter(request.query, 'partNumber', { least: 1, most: 10_000 });
  const upload = bucket.uploads.get(objectKey(request), request.query.get('uploadId') ?? '');
  return { bucket, upload, number };
}

async function storePart(
  bucket: Bucket,
  { upload, number, now }: { upload: MultipartUpload; number: number; now: () => number },
  content: AsyncGenerator<Uint8Array, BodyFacts>,
): Promise<{ part: UploadedPart; facts: BodyFacts }> {
  const { segment, facts } = await bucket.data.writeApart(content);
  const part = { number, etag: facts.md5, checksum: facts.checksum, lastModifiedMs: now(), segment };
  await bucket.uploads.putPart(upload, part);
  return { part, facts };
}

/** `bytes=first-last`, both given and both within the source: stricter than a Range header. */
function copyRange(header: string | undefined, size: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = /^bytes=(\d+)-(\d+)$/.exec(header);
  const range = { start: Number(match?.[1]), end: Number(match?.[2]) };
  if (match !== null && range.start <= range.end && range.end < size) return range;
  const message = `Range specified is not valid for source object of size: ${size}`;
  throw invalidArgument('x-amz-copy-source-range', header, message);
}

/**
 * An upload that was begun with an algorithm takes no parts of another, nor, for a composite sum, without any. One
 * begun without takes any.
 */
function checkAlgorithm({ checksum }: MultipartUpload, given: ChecksumAlgorithm | undefined): void {
  if (checksum.chosenBy === 'default' || given === checksum.algorithm) return;
  if (given === undefined && checksum.type === 'FULL_OBJECT') return;
  const [expected, actual] = [checksum.algorithm.toLowerCase(), given?.toLowerCase() ?? 'null'];
  const message = `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`;
  throw new S3Error('InvalidRequest', message);
}
