import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseQuery, splitTarget } from '../sigv4/uri.js';
import type { SignedPayload } from '../sigv4.js';
import { S3Error } from './s3-error.js';

/** What a path names, path-style: `/`, `/bucket`, `/bucket/key`. */
export type Address =
  | { readonly kind: 'service' }
  | { readonly kind: 'bucket'; readonly bucket: string }
  | { readonly kind: 'object'; readonly bucket: string; readonly key: string };

/** One authenticated request, as operations see it. */
export interface S3Request {
  /** The body as it comes over the wire. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly method: string;
  readonly address: Address;
  /** Decoded; of a repeated parameter the first. */
  readonly query: ReadonlyMap<string, string>;
  /** By lower-case name; a presigned URL's `x-amz-` parameters count as headers, as they do in S3. */
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: SignedPayload;
}

/** Path and query of a request target. @throws {S3Error} `InvalidURI`, `KeyTooLongError` */
export function parseTarget(url: string): { address: Address; query: ReadonlyMap<string, string> } {
  try {
    const { path, query } = splitTarget(url);
    const first = new Map<string, string>();
    for (const [name, value] of parseQuery(query)) if (!first.has(name)) first.set(name, value);
    return { address: parseAddress(path), query: first };
  } catch (error) {
    if (error instanceof URIError) throw new S3Error('InvalidURI', "Couldn't parse the specified URI.");
    throw error;
  }
}

/** The request's headers, and over them the `x-amz-` parameters of its query. */
export function effectiveHeaders(
  incoming: IncomingMessage,
  query: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(',') : value);
  }
  for (const [name, value] of query) {
    const lower = name.toLowerCase();
    if (lower.startsWith('x-amz-') && !isSignatureParameter(name)) headers.set(lower, value);
  }
  return headers;
}

/** Whether a query parameter belongs to the signature of a presigned URL. */
export function isSignatureParameter(name: string): boolean {
  return SIGNATURE_PARAMETERS.has(name);
}

const SIGNATURE_PARAMETERS: ReadonlySet<string> = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
  'X-Amz-Content-Sha256',
  'X-Amz-Security-Token',
]);

/** Longest key, in bytes of UTF-8 ("Naming Amazon S3 objects", User Guide). */
const LONGEST_KEY = 1024;

function parseAddress(path: string): Address {
  const end = path.indexOf('/', 1);
  const bucket = decodeURIComponent(path.slice(1, end === -1 ? undefined : end));
  if (bucket === '') return { kind: 'service' };
  const key = end === -1 ? '' : decodeURIComponent(path.slice(end + 1));
  if (key === '') return { kind: 'bucket', bucket };
  const size = Buffer.byteLength(key);
  if (size > LONGEST_KEY) {
    throw new S3Error('KeyTooLongError', 'Your key is too long', {
      details: { Size: String(size), MaxSizeAllowed: String(LONGEST_KEY) },
    });
  }
  return { kind: 'object', bucket, key };
}
