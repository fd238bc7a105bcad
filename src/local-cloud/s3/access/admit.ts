import type { IncomingMessage } from 'node:http';
import { S3Error } from '../s3-error.js';
import type { Address } from '../s3-request.js';
import type { Bucket } from '../store/bucket.js';
import type { Buckets } from '../store/buckets.js';

/** A request before its operation runs. */
export interface Asked {
  readonly address: Address;
  /** Name of the operation. */
  readonly operation: string;
  readonly headers: ReadonlyMap<string, string>;
  /** The region it is signed for; `undefined` for one that is not signed at all. */
  readonly signedFor: string | undefined;
}

/** Whether a request carries no signature, right or wrong. */
export function isUnsigned({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): boolean {
  return headers.authorization === undefined && !/[?&]X-Amz-(?:Algorithm|Signature)=/.test(url);
}

/** The region that a request claims to be signed for. */
export function claimedRegion({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): string | undefined {
  const scope =
    /Credential=[^,\s]+\/\d{8}\/([^/,\s]+)\/[^/]+\/aws4_request/.exec(headers.authorization ?? '') ??
    /[?&]X-Amz-Credential=[^&]*(?:%2F|\/)\d{8}(?:%2F|\/)([^/%&]+)(?:%2F|\/)/i.exec(url);
  return scope?.[1];
}

/**
 * Whether a request may go on to its operation: its bucket is in the region it was signed for; one without keys does what
 * the bucket's policy lets everybody do; and where the requester pays, it agrees to. There is one account here, the bucket's
 * owner, and it is asked to agree as well, unlike in S3, so that such buckets can be tried.
 *
 * @throws {S3Error} `PermanentRedirect`, `AccessDenied`
 */
export function admit({ address, operation, headers, signedFor }: Asked, buckets: Buckets): void {
  const bucket = address.kind === 'service' ? undefined : buckets.find(address.bucket);
  if (signedFor === undefined) admitEverybody(address, operation, bucket);
  if (bucket === undefined || operation === 'CreateBucket') return;
  if (signedFor !== undefined && signedFor !== bucket.region) throw elsewhere(bucket);
  const isData = address.kind === 'object' || LISTS.has(operation);
  if (!isData || !bucket.access.requesterPays) return;
  if (signedFor === undefined || headers.get('x-amz-request-payer') !== 'requester') throw denied();
}

function admitEverybody(address: Address, operation: string, bucket: Bucket | undefined): void {
  const action = ACTIONS[operation];
  if (address.kind === 'service' || bucket === undefined || action === undefined) throw denied();
  const { policy } = bucket.access;
  if (policy?.allows(action, address) !== true) throw denied();
  // Who may not list is not told what there is not.
  const isMissing = address.kind === 'object' && READS.has(operation) && bucket.find(address.key) === undefined;
  if (isMissing && !policy.allows('s3:ListBucket', { bucket: bucket.name })) throw denied();
}

const LISTS: ReadonlySet<string> = new Set(['ListObjects', 'ListObjectsV2', 'ListMultipartUploads', 'DeleteObjects']);
const READS: ReadonlySet<string> = new Set(['GetObject', 'HeadObject']);

/** Source: "Required permissions for Amazon S3 API operations", User Guide. */
const ACTIONS: Readonly<Record<string, string>> = {
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  HeadBucket: 's3:ListBucket',
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  DeleteObject: 's3:DeleteObject',
};

function denied(): S3Error {
  return new S3Error('AccessDenied', 'Access Denied');
}

function elsewhere({ name, region }: Bucket): S3Error {
  const message =
    'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.';
  return new S3Error('PermanentRedirect', message, {
    details: { Bucket: name, Endpoint: `${name}.s3.${region}.amazonaws.com` },
    headers: { 'x-amz-bucket-region': region },
  });
}
