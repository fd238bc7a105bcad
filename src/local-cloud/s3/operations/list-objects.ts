import { type ListingCursor, type ListingPage, listPage } from '../../listing.js';
import type { XmlElements } from '../../xml/write-xml.js';
import { invalidArgument, keyEncoder, pageSize } from '../parameters.js';
import { replyXml } from '../reply.js';
import type { S3Request } from '../s3-request.js';
import type { Bucket } from '../store/bucket.js';
import { OWNER } from './bucket-operations.js';
import { bucketName, type Operation, type S3Context } from './operation.js';

export const LIST_OBJECTS_V2: Operation = {
  name: 'ListObjectsV2',
  on: 'bucket',
  method: 'GET',
  needs: ['list-type'],
  takes: ['prefix', 'delimiter', 'max-keys', 'encoding-type', 'continuation-token', 'start-after', 'fetch-owner'],
  run: listObjectsV2,
};

export const LIST_OBJECTS: Operation = {
  name: 'ListObjects',
  on: 'bucket',
  method: 'GET',
  takes: ['prefix', 'delimiter', 'max-keys', 'encoding-type', 'marker'],
  run: listObjects,
};

async function listObjectsV2(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const { query } = request;
  if (query.get('list-type') !== '2') {
    throw invalidArgument('list-type', query.get('list-type') ?? '', 'Invalid List Type specified in Request');
  }
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  const cursor = token === undefined ? afterKey(startAfter) : parseToken(token);
  const { page, elements, encode } = list(request, bucket, cursor);
  replyXml(request, 'ListBucketResult', {
    ...elements,
    KeyCount: page.keys.length + page.commonPrefixes.length,
    IsTruncated: page.next !== undefined,
    ContinuationToken: token,
    NextContinuationToken: page.next && tokenOf(page.next),
    StartAfter: startAfter && encode(startAfter),
    Contents: contents(page, bucket, encode, query.get('fetch-owner') === 'true' ? OWNER : undefined),
  });
}

async function listObjects(request: S3Request, { buckets }: S3Context): Promise<void> {
  const bucket = buckets.get(bucketName(request));
  const marker = request.query.get('marker') ?? '';
  const delimiter = request.query.get('delimiter') ?? '';
  // A marker that is a common prefix came as the NextMarker of a page: what is under it was on that page.
  const cursor: ListingCursor | undefined =
    delimiter !== '' && marker.endsWith(delimiter) ? { kind: 'prefix', after: marker } : afterKey(marker);
  const { page, elements, encode } = list(request, bucket, cursor);
  replyXml(request, 'ListBucketResult', {
    ...elements,
    Marker: encode(marker),
    NextMarker: page.next !== undefined && delimiter !== '' ? encode(page.next.after) : undefined,
    IsTruncated: page.next !== undefined,
    Contents: contents(page, bucket, encode, OWNER),
  });
}

type Encode = (key: string) => string;

function list(
  request: S3Request,
  bucket: Bucket,
  cursor: ListingCursor | undefined,
): { page: ListingPage; elements: XmlElements; encode: Encode } {
  const { query } = request;
  const encode = keyEncoder(query);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const size = pageSize(query, 'max-keys');
  const page = listPage(bucket.keys, { prefix, delimiter, cursor, size });
  const elements = {
    Name: bucket.name,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    MaxKeys: size,
    EncodingType: query.get('encoding-type'),
    CommonPrefixes: page.commonPrefixes.map((common) => ({ Prefix: encode(common) })),
  };
  return { page, elements, encode };
}

function contents(page: ListingPage, bucket: Bucket, encode: Encode, owner: typeof OWNER | undefined): XmlElements[] {
  return page.keys.map((key) => {
    const record = bucket.get(key);
    return {
      Key: encode(key),
      LastModified: new Date(record.lastModifiedMs).toISOString(),
      ETag: `"${record.etag}"`,
      ChecksumAlgorithm: record.checksum.algorithm,
      ChecksumType: record.checksum.type,
      Size: record.size,
      Owner: owner,
      StorageClass: 'STANDARD',
    };
  });
}

function afterKey(key: string | undefined): ListingCursor | undefined {
  return key === undefined || key === '' ? undefined : { kind: 'key', after: key };
}

function tokenOf({ kind, after }: ListingCursor): string {
  return Buffer.from(`${kind}:${after}`).toString('base64url');
}

function parseToken(token: string): ListingCursor {
  const match = /^(key|prefix):(.*)$/s.exec(Buffer.from(token, 'base64url').toString());
  if (match === null)
    throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
  return { kind: match[1] as ListingCursor['kind'], after: match[2] as string };
}
