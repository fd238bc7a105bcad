import type { SignedRequest } from '../sigv4.js';
import type { Claim } from './claim.js';
import { parseQuery, splitTarget, uriEncode } from './uri.js';

/** The text both sides hash: method, path, query, signed headers and the body's hash, in their one canonical form. */
export function canonicalRequest(request: SignedRequest, claim: Claim, payloadHash: string): string {
  const { path, query } = splitTarget(request.url);
  const headers = [...claim.signedHeaders].sort();
  return [
    request.method,
    claim.service === 's3' ? onceEncodedPath(path) : twiceEncodedPath(path),
    canonicalQuery(query),
    ...headers.map((name) => `${name}:${headerValue(request.headers[name])}`),
    '',
    headers.join(';'),
    payloadHash,
  ].join('\n');
}

/** S3 alone signs the path as the object's key stands in it: encoded once, never normalised. */
function onceEncodedPath(path: string): string {
  return path
    .split('/')
    .map((segment) => uriEncode(decodeSegment(segment)))
    .join('/');
}

function twiceEncodedPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const tail = kept.length > 0 && path.endsWith('/') ? '/' : '';
  return `/${kept.map(uriEncode).join('/')}${tail}`;
}

function canonicalQuery(query: string): string {
  return parseQuery(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): [string, string] => [uriEncode(name), uriEncode(value)])
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function headerValue(value: string | string[] | undefined): string {
  const values = Array.isArray(value) ? value : [value ?? ''];
  return values.map((one) => one.trim().replace(/\s+/g, ' ')).join(',');
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
