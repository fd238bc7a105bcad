import type { ObjectInfo } from '../object-store.js';
import { unquote } from './s3-entity-tag.js';
import { escapedXml, readXml, type XmlElement } from './s3-xml.js';

/** What an answer says went wrong. */
export interface SaidError {
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly requestId: string | undefined;
  readonly region: string | undefined;
  /** Where it is about one of several keys. */
  readonly key: string | undefined;
}

/** A part of an upload, as its answer told it. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string | undefined;
  /** CRC-32 in base64. */
  readonly crc32: string;
}

/** The error in an answer; `undefined` where the answer is none, or is no XML. */
export function errorIn(text: string): SaidError | undefined {
  const said = readXml(text).child('Error');
  return said && saidError(said);
}

/** A page of a list whose keys are encoded. Source: ListObjectsV2, Amazon S3 API Reference. */
export function pageIn(text: string): { readonly objects: readonly ObjectInfo[]; readonly next: string | undefined } {
  const list = readXml(text).child('ListBucketResult');
  const objects = (list?.all('Contents') ?? []).map((entry) => ({
    key: decodeKey(entry.textOf('Key') ?? ''),
    size: Number(entry.textOf('Size') ?? 0),
    etag: unquote(entry.textOf('ETag')),
    lastModifiedMs: Date.parse(entry.textOf('LastModified') ?? '') || 0,
  }));
  const isLast = list?.textOf('IsTruncated') !== 'true';
  return { objects, next: isLast ? undefined : list?.textOf('NextContinuationToken') };
}

/** The request to delete keys, whose answer names those only that stay. Source: DeleteObjects, Amazon S3 API Reference. */
export function deletionOf(keys: readonly string[]): string {
  const objects = keys.map((key) => `<Object><Key>${escapedXml(key)}</Key></Object>`).join('');
  return `${DECLARATION}<Delete xmlns="${NAMESPACE}">${objects}<Quiet>true</Quiet></Delete>`;
}

/** What could not be deleted. */
export function undeletedIn(text: string): readonly SaidError[] {
  return (readXml(text).child('DeleteResult')?.all('Error') ?? []).map(saidError);
}

/** Source: CreateMultipartUpload, Amazon S3 API Reference. */
export function uploadIdIn(text: string): string | undefined {
  return readXml(text).child('InitiateMultipartUploadResult')?.textOf('UploadId');
}

/** The request to make an object of its parts. Source: CompleteMultipartUpload, Amazon S3 API Reference. */
export function completionOf(parts: readonly UploadedPart[]): string {
  const all = parts.map(({ partNumber, etag = '', crc32 }) => {
    const checksum = `<ChecksumCRC32>${crc32}</ChecksumCRC32>`;
    return `<Part><ETag>${escapedXml(etag)}</ETag>${checksum}<PartNumber>${partNumber}</PartNumber></Part>`;
  });
  return `${DECLARATION}<CompleteMultipartUpload xmlns="${NAMESPACE}">${all.join('')}</CompleteMultipartUpload>`;
}

/** The entity tag of the object that was made. */
export function completedTagIn(text: string): string | undefined {
  return readXml(text).child('CompleteMultipartUploadResult')?.textOf('ETag');
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

function saidError(said: XmlElement): SaidError {
  return {
    code: said.textOf('Code'),
    message: said.textOf('Message'),
    requestId: said.textOf('RequestId'),
    region: said.textOf('Region'),
    key: said.textOf('Key'),
  };
}

// S3 encodes as forms are: a space is a plus.
function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '));
}
