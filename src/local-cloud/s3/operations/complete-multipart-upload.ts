import { createHash } from 'node:crypto';
import { readDocument } from '../body/request-document.js';
import { checksumElement, checksumHeader } from '../checksums/checksum.js';
import { multipartChecksum } from '../checksums/multipart-checksum.js';
import { parseWriteCondition, validators } from '../conditions.js';
import { replyXml } from '../reply.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import type { MultipartUpload, UploadedPart } from '../store/multipart-upload.js';
import type { ObjectRecord } from '../store/object-record.js';
import { malformedXml, readXml, type XmlReader } from '../xml/read-xml.js';
import { checksumElements } from './copy-object.js';
import { bucketName, type Operation, objectKey, type S3Context } from './operation.js';

export const COMPLETE_MULTIPART_UPLOAD: Operation = {
  name: 'CompleteMultipartUpload',
  on: 'object',
  method: 'POST',
  needs: ['uploadId'],
  run: completeUpload,
};

async function completeUpload(request: S3Request, { buckets, now }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const upload = bucket.uploads.get(objectKey(request), request.query.get('uploadId') ?? '');
  const write = bucket.beginWrite(upload.key, parseWriteCondition(request.headers));
  try {
    const document = await readDocument({ ...request, headers: withoutChecksums(request.headers) });
    const claims = readXml(document, 'CompleteMultipartUpload').children('Part').map(parseClaim);
    let published: ObjectRecord | undefined;
    await bucket.uploads.complete(upload, async (uploaded) => {
      const record = assemble(upload, chooseParts(claims, upload, uploaded), now());
      checkObjectHeaders(request.headers, record);
      await write.commit(record);
      published = record;
      return new Set(record.segments.map(({ id }) => id));
    });
    if (published !== undefined) replyCompleted(request, bucket.name, published);
  } finally {
    write.end();
  }
}

/** Smallest part but the last, and most parts ("Amazon S3 multipart upload limits", User Guide). */
const SMALLEST_PART = 5 * 1024 * 1024;
const MOST_PARTS = 10_000;

interface PartClaim {
  readonly number: number;
  readonly etag: string;
  readonly element: XmlReader;
}

function parseClaim(element: XmlReader): PartClaim {
  const number = Number(element.text('PartNumber'));
  const etag = element.text('ETag')?.replace(/^"(.*)"$/, '$1');
  if (!Number.isInteger(number) || number < 1 || etag === undefined) throw malformedXml();
  return { number, etag, element };
}

function chooseParts(
  claims: readonly PartClaim[],
  upload: MultipartUpload,
  uploaded: ReadonlyMap<number, UploadedPart>,
): UploadedPart[] {
  if (claims.length === 0 || claims.length > MOST_PARTS) throw malformedXml();
  if (claims.some(({ number }, index) => number <= (claims[index - 1]?.number ?? 0))) {
    const message =
      'The list of parts was not in ascending order. The parts list must be specified in order by part number.';
    throw new S3Error('InvalidPartOrder', message, { details: { UploadId: upload.id } });
  }
  const parts = claims.map((claim) => choosePart(claim, upload, uploaded.get(claim.number)));
  for (const part of parts.slice(0, -1)) checkPartSize(part);
  return parts;
}

function choosePart(claim: PartClaim, upload: MultipartUpload, part: UploadedPart | undefined): UploadedPart {
  const { algorithm, type, chosenBy } = upload.checksum;
  const checksum = claim.element.text(checksumElement(algorithm));
  if (checksum === undefined && type === 'COMPOSITE' && chosenBy === 'client') {
    const name = algorithm.toLowerCase();
    const message = `The upload was created using a ${name} checksum. The complete request must include the checksum for each part. It was missing for part ${claim.number} in the request.`;
    throw new S3Error('InvalidRequest', message);
  }
  if (part?.etag === claim.etag && (checksum === undefined || checksum === part.checksum)) return part;
  const message =
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
  throw new S3Error('InvalidPart', message, {
    details: { UploadId: upload.id, PartNumber: String(claim.number), ETag: claim.etag },
  });
}

function checkPartSize({ number, etag, segment }: UploadedPart): void {
  if (segment.size >= SMALLEST_PART) return;
  throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
    details: {
      ProposedSize: String(segment.size),
      MinSizeAllowed: String(SMALLEST_PART),
      PartNumber: String(number),
      ETag: etag,
    },
  });
}

/** The object the parts make. Its ETag is the MD5 of theirs, and their number. */
function assemble(upload: MultipartUpload, parts: readonly UploadedPart[], lastModifiedMs: number): ObjectRecord {
  const md5 = createHash('md5');
  for (const { etag } of parts) md5.update(Buffer.from(etag, 'hex'));
  const sums = parts.map(({ checksum, segment }) => ({ value: checksum, size: segment.size }));
  return {
    key: upload.key,
    system: upload.system,
    metadata: upload.metadata,
    size: parts.reduce((sum, { segment }) => sum + segment.size, 0),
    etag: `${md5.digest('hex')}-${parts.length}`,
    lastModifiedMs,
    checksum: multipartChecksum(upload.checksum, sums),
    segments: parts.map(({ segment }) => segment),
    uploadId: upload.id,
  };
}

/** In this request the `x-amz-checksum-` headers speak of the object, not of the document in the body. */
function withoutChecksums(headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...headers].filter(([name]) => !name.startsWith('x-amz-checksum-')));
}

function checkObjectHeaders(headers: ReadonlyMap<string, string>, { checksum, size }: ObjectRecord): void {
  const claimed = headers.get(checksumHeader(checksum.algorithm));
  if (claimed !== undefined && claimed.replace(/-\d+$/, '') !== checksum.value.replace(/-\d+$/, '')) {
    const message = `The ${checksum.algorithm} you specified did not match the calculated checksum.`;
    throw new S3Error('BadDigest', message, {
      details: { ExpectedDigest: claimed, CalculatedDigest: checksum.value },
    });
  }
  const type = headers.get('x-amz-checksum-type');
  if (type !== undefined && type !== checksum.type) {
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using the ${checksum.type} checksum type, not ${type}.`,
    );
  }
  const claimedSize = headers.get('x-amz-mp-object-size');
  if (claimedSize !== undefined && claimedSize !== String(size)) {
    const message = `The provided 'x-amz-mp-object-size' header value ${claimedSize} does not match what was computed: ${size}`;
    throw new S3Error('InvalidRequest', message);
  }
}

function replyCompleted(request: S3Request, bucket: string, record: ObjectRecord): void {
  replyXml(request, 'CompleteMultipartUploadResult', {
    Location: `http://${request.headers.get('host') ?? ''}/${bucket}/${encodeURIComponent(record.key)}`,
    Bucket: bucket,
    Key: record.key,
    ETag: validators(record).etag,
    ...checksumElements(record.checksum),
  });
}
