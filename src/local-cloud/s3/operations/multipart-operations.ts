import { compareUtf8 } from '../../../utf8-order.js';
import {
  type ChecksumAlgorithm,
  type ChecksumType,
  checksumElement,
  isFullObjectAlgorithm,
} from '../checksums/checksum.js';
import { parseObjectHeaders } from '../object-headers.js';
import { integerParameter, keyEncoder, pageSize } from '../parameters.js';
import { replyEmpty, replyXml } from '../reply.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import type { MultipartUpload } from '../store/multipart-upload.js';
import { OWNER } from './bucket-operations.js';
import { askedAlgorithm } from './copy-object.js';
import { bucketName, type Operation, objectKey, type S3Context } from './operation.js';

/** Operations on multipart uploads, but for the parts themselves and completion. */
export const MULTIPART_OPERATIONS: readonly Operation[] = [
  { name: 'CreateMultipartUpload', on: 'object', method: 'POST', needs: ['uploads'], run: createUpload },
  { name: 'AbortMultipartUpload', on: 'object', method: 'DELETE', needs: ['uploadId'], run: abortUpload },
  {
    name: 'ListParts',
    on: 'object',
    method: 'GET',
    needs: ['uploadId'],
    takes: ['max-parts', 'part-number-marker'],
    run: listParts,
  },
  {
    name: 'ListMultipartUploads',
    on: 'bucket',
    method: 'GET',
    needs: ['uploads'],
    takes: ['prefix', 'max-uploads', 'key-marker', 'upload-id-marker', 'encoding-type'],
    run: listUploads,
  },
];

async function createUpload(request: S3Request, { buckets, now }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const asked = askedAlgorithm(request);
  if (asked === undefined && request.headers.has('x-amz-checksum-type')) {
    const message = 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.';
    throw new S3Error('InvalidRequest', message);
  }
  const algorithm = asked ?? 'CRC64NVME';
  const type = checksumType(request.headers.get('x-amz-checksum-type'), algorithm);
  const upload = await bucket.uploads.create({
    key: objectKey(request),
    initiatedMs: now(),
    ...parseObjectHeaders(request.headers),
    checksum: { algorithm, type, chosenBy: asked === undefined ? 'default' : 'client' },
  });
  replyXml(
    request,
    'InitiateMultipartUploadResult',
    { Bucket: bucket.name, Key: upload.key, UploadId: upload.id },
    asked === undefined ? {} : { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type },
  );
}

async function abortUpload(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  await bucket.uploads.abort(objectKey(request), request.query.get('uploadId') ?? '');
  replyEmpty(request, 204);
}

async function listParts(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const upload = bucket.uploads.get(objectKey(request), request.query.get('uploadId') ?? '');
  const marker = request.query.has('part-number-marker')
    ? integerParameter(request.query, 'part-number-marker', { least: 0, most: 2 ** 31 - 1 })
    : 0;
  const size = pageSize(request.query, 'max-parts');
  const all = bucket.uploads.parts(upload.key, upload.id).filter(({ number }) => number > marker);
  const page = all.slice(0, size);
  replyXml(request, 'ListPartsResult', {
    Bucket: bucket.name,
    Key: upload.key,
    UploadId: upload.id,
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: size,
    IsTruncated: page.length < all.length,
    Part: page.map((part) => ({
      PartNumber: part.number,
      LastModified: new Date(part.lastModifiedMs).toISOString(),
      ETag: `"${part.etag}"`,
      Size: part.segment.size,
      [checksumElement(upload.checksum.algorithm)]: part.checksum,
    })),
    ...describeUpload(upload),
  });
}

async function listUploads(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const encode = keyEncoder(request.query);
  const prefix = request.query.get('prefix') ?? '';
  const keyMarker = request.query.get('key-marker') ?? '';
  // Without a key marker it is ignored.
  const idMarker = keyMarker === '' ? '' : (request.query.get('upload-id-marker') ?? '');
  const size = pageSize(request.query, 'max-uploads');
  const all = bucket.uploads
    .list()
    .filter(({ key }) => key.startsWith(prefix))
    .sort(byKeyAndAge);
  const rest = all.slice(positionAfter(all, keyMarker, idMarker));
  const page = rest.slice(0, size);
  const last = page.at(-1);
  replyXml(request, 'ListMultipartUploadsResult', {
    Bucket: bucket.name,
    KeyMarker: encode(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: last && encode(last.key),
    NextUploadIdMarker: last?.id,
    Prefix: encode(prefix),
    EncodingType: request.query.get('encoding-type'),
    MaxUploads: size,
    IsTruncated: page.length < rest.length,
    Upload: page.map((upload) => ({
      Key: encode(upload.key),
      UploadId: upload.id,
      Initiated: new Date(upload.initiatedMs).toISOString(),
      ...describeUpload(upload),
    })),
  });
}

function positionAfter(uploads: readonly MultipartUpload[], keyMarker: string, idMarker: string): number {
  if (keyMarker === '') return 0;
  const at = uploads.findIndex(({ key, id }) => key === keyMarker && id === idMarker);
  if (at !== -1) return at + 1;
  const beyond = uploads.findIndex(({ key }) => compareUtf8(key, keyMarker) > 0);
  return beyond === -1 ? uploads.length : beyond;
}

function byKeyAndAge(left: MultipartUpload, right: MultipartUpload): number {
  return compareUtf8(left.key, right.key) || left.initiatedMs - right.initiatedMs || compareUtf8(left.id, right.id);
}

function describeUpload({ checksum }: MultipartUpload): Record<string, string | typeof OWNER | undefined> {
  return {
    Owner: OWNER,
    Initiator: OWNER,
    StorageClass: 'STANDARD',
    ChecksumAlgorithm: checksum.algorithm,
    ChecksumType: checksum.type,
  };
}

/** CRC64NVME knows full-object sums only, SHA composite ones only ("Checking object integrity", User Guide). */
function checksumType(asked: string | undefined, algorithm: ChecksumAlgorithm): ChecksumType {
  if (asked !== undefined && asked !== 'FULL_OBJECT' && asked !== 'COMPOSITE') {
    throw new S3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.');
  }
  const type = asked ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE');
  const possible = type === 'COMPOSITE' ? algorithm !== 'CRC64NVME' : isFullObjectAlgorithm(algorithm);
  if (possible) return type;
  const message = `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`;
  throw new S3Error('InvalidRequest', message);
}
