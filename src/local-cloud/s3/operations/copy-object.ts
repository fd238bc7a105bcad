import type { XmlElements } from '../../xml/write-xml.js';
import { type Checksum, type ChecksumAlgorithm, checksumElement, isChecksumAlgorithm } from '../checksums/checksum.js';
import { parseWriteCondition, validators } from '../conditions.js';
import { parseObjectHeaders } from '../object-headers.js';
import { invalidArgument } from '../parameters.js';
import { replyXml } from '../reply.js';
import { S3Error } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import { type CopySource, copiedBody, findCopySource } from './copy-source.js';
import { bucketName, type Operation, objectKey, type S3Context } from './operation.js';
import { storeObject } from './store-object.js';

export const COPY_OBJECT: Operation = {
  name: 'CopyObject',
  on: 'object',
  method: 'PUT',
  needsHeader: 'x-amz-copy-source',
  run: copyObject,
};

async function copyObject(request: S3Request, context: S3Context): Promise<void> {
  const bucket = context.buckets.get(bucketName(request));
  const source = findCopySource(request, context);
  const replaces = replacesMetadata(request);
  const key = objectKey(request);
  if (source.bucket === bucket && source.record.key === key && !replaces) throw ontoItself();
  const { system, metadata } = replaces ? parseObjectHeaders(request.headers) : source.record;
  const algorithm = copyAlgorithm(request, source);
  const record = await storeObject(
    bucket,
    {
      key,
      condition: parseWriteCondition(request.headers),
      headers: { system, metadata },
      algorithm,
      now: context.now,
    },
    () => copiedBody(source, algorithm),
  );
  replyXml(request, 'CopyObjectResult', {
    ETag: validators(record).etag,
    LastModified: new Date(record.lastModifiedMs).toISOString(),
    ...checksumElements(record.checksum),
  });
}

/** The elements that give a checksum back. */
export function checksumElements({ algorithm, value, type }: Checksum): XmlElements {
  return { [checksumElement(algorithm)]: value, ChecksumType: type };
}

/** The algorithm of `x-amz-checksum-algorithm`. @throws {S3Error} `InvalidRequest` when there is none of that name. */
export function askedAlgorithm(request: S3Request): ChecksumAlgorithm | undefined {
  const asked = request.headers.get('x-amz-checksum-algorithm')?.toUpperCase();
  if (asked === undefined || isChecksumAlgorithm(asked)) return asked;
  throw new S3Error(
    'InvalidRequest',
    'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
  );
}

function copyAlgorithm(request: S3Request, source: CopySource): ChecksumAlgorithm {
  return askedAlgorithm(request) ?? source.record.checksum.algorithm;
}

function replacesMetadata(request: S3Request): boolean {
  const directive = request.headers.get('x-amz-metadata-directive') ?? 'COPY';
  if (directive === 'COPY' || directive === 'REPLACE') return directive === 'REPLACE';
  throw invalidArgument('x-amz-metadata-directive', directive, 'Unknown metadata directive.');
}

function ontoItself(): S3Error {
  const message =
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.";
  return new S3Error('InvalidRequest', message);
}
