import { notImplemented, S3Error } from './s3-error.js';
import type { ObjectRecord } from './store/object-record.js';

type Headers = ReadonlyMap<string, string>;
type Stamped = Pick<ObjectRecord, 'etag' | 'lastModifiedMs'>;

/** What must hold of the object that a write would replace. */
export type WriteCondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'etag'; readonly etag: string };

/** Reads `If-None-Match: *` or `If-Match: <etag>`, all that S3 knows for writes ("Conditional writes", User Guide). */
export function parseWriteCondition(headers: Headers): WriteCondition {
  const ifNoneMatch = headers.get('if-none-match');
  const ifMatch = headers.get('if-match');
  if (ifNoneMatch !== undefined && ifMatch !== undefined) throw notImplemented('If-Match with If-None-Match');
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*') throw notImplemented('If-None-Match other than * on a write');
    return { kind: 'absent' };
  }
  if (ifMatch === undefined) return { kind: 'none' };
  if (ifMatch.trim() === '*') throw notImplemented('If-Match: * on a write');
  return { kind: 'etag', etag: unquote(ifMatch) };
}

/** @throws {S3Error} `PreconditionFailed`, or `NoSuchKey` when a version is asked for and there is none. */
export function checkWriteCondition(condition: WriteCondition, current: Stamped | undefined): void {
  if (condition.kind === 'absent' && current !== undefined) throw preconditionFailed('If-None-Match');
  if (condition.kind !== 'etag') return;
  if (current === undefined) throw new S3Error('NoSuchKey', 'The specified key does not exist.');
  if (current.etag !== condition.etag) throw preconditionFailed('If-Match');
}

/**
 * Holds the conditions of a read against the object.
 * @throws {S3Error} `PreconditionFailed` (412) or `NotModified` (304), in the order of RFC 9110, 13.2.2.
 */
export function checkReadConditions(headers: Headers, object: Stamped): void {
  const failed = failedCondition(headers, '', object);
  if (failed === undefined) return;
  if (failed === 'if-match' || failed === 'if-unmodified-since') throw preconditionFailed(failed);
  throw new S3Error('NotModified', 'Not Modified', { headers: validators(object) });
}

/** Holds `x-amz-copy-source-if-…` against the source of a copy. @throws {S3Error} `PreconditionFailed` */
export function checkCopyConditions(headers: Headers, source: Stamped): void {
  const failed = failedCondition(headers, 'x-amz-copy-source-', source);
  if (failed !== undefined) throw preconditionFailed(failed);
}

/** `ETag` and `Last-Modified`. */
export function validators(object: Stamped): { etag: string; 'last-modified': string } {
  return { etag: `"${object.etag}"`, 'last-modified': new Date(object.lastModifiedMs).toUTCString() };
}

function failedCondition(headers: Headers, prefix: string, { etag, lastModifiedMs }: Stamped): string | undefined {
  const header = (name: string) => headers.get(prefix + name);
  // HTTP dates have no milliseconds.
  const modifiedMs = Math.floor(lastModifiedMs / 1000) * 1000;
  const ifMatch = header('if-match');
  if (ifMatch !== undefined) {
    if (!listsEtag(ifMatch, etag)) return `${prefix}if-match`;
  } else if (modifiedMs > dateOf(header('if-unmodified-since'))) {
    return `${prefix}if-unmodified-since`;
  }
  const ifNoneMatch = header('if-none-match');
  if (ifNoneMatch !== undefined) return listsEtag(ifNoneMatch, etag) ? `${prefix}if-none-match` : undefined;
  const since = dateOf(header('if-modified-since'));
  return Number.isFinite(since) && modifiedMs <= since ? `${prefix}if-modified-since` : undefined;
}

/** Dates that are none are ignored, as RFC 9110 demands. */
function dateOf(text: string | undefined): number {
  const timeMs = Date.parse(text ?? '');
  return Number.isNaN(timeMs) ? Number.POSITIVE_INFINITY : timeMs;
}

function listsEtag(list: string, etag: string): boolean {
  return list.trim() === '*' || list.split(',').some((one) => unquote(one) === etag);
}

function unquote(etag: string): string {
  return etag.trim().replace(/^(?:W\/)?"(.*)"$/, '$1');
}

function preconditionFailed(condition: string): S3Error {
  const message = 'At least one of the pre-conditions you specified did not hold';
  return new S3Error('PreconditionFailed', message, { details: { Condition: condition } });
}
