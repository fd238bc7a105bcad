import { GcsError, notImplemented } from './gcs-error.js';
import { type GcsTarget, matchPath } from './gcs-request.js';
import { BUCKET_OPERATIONS } from './operations/bucket-operations.js';
import { CHANGE_OPERATIONS } from './operations/change-objects.js';
import { COPY_OPERATIONS } from './operations/copy-objects.js';
import { DOWNLOAD_OBJECT, GET_OBJECT } from './operations/get-object.js';
import { INSERT_OPERATIONS } from './operations/insert-object.js';
import { LIST_OBJECTS } from './operations/list-objects.js';
import type { Operation } from './operations/operation.js';
import { RESUMABLE_OPERATIONS } from './operations/resumable-upload.js';
import { XML_OPERATIONS } from './operations/xml-operations.js';

interface Asked extends GcsTarget {
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** The operation a request asks for, and the names in its path. What is not understood is refused. */
export function findOperation(asked: Asked): { operation: Operation; names: Readonly<Record<string, string>> } {
  const candidates = OPERATIONS.flatMap((operation) => {
    const names = operation.api === asked.api ? matchPath(operation.path, asked.path) : undefined;
    return names === undefined ? [] : [{ operation, names }];
  });
  if (candidates.length === 0) throw new GcsError('notFound', 'Not Found');
  const ofMethod = candidates.filter(({ operation }) => operation.method === asked.method);
  if (ofMethod.length === 0) throw new GcsError('methodNotAllowed', 'Method Not Allowed');
  const found = ofMethod.find(({ operation }) => hasWhatItNeeds(operation, asked));
  if (found === undefined) throw notImplemented(`${asked.method} /${asked.path[0]} with these parameters`);
  refuseUnknown(asked);
  return found;
}

/** Of those on the same path and method, the more demanding first. */
const OPERATIONS: readonly Operation[] = [
  ...BUCKET_OPERATIONS,
  ...RESUMABLE_OPERATIONS,
  ...INSERT_OPERATIONS,
  DOWNLOAD_OBJECT,
  GET_OBJECT,
  LIST_OBJECTS,
  ...CHANGE_OPERATIONS,
  ...COPY_OPERATIONS,
  ...XML_OPERATIONS,
];

/** Names of all operations. */
export const GCS_OPERATION_NAMES: ReadonlySet<string> = new Set(OPERATIONS.map(({ name }) => name));

/** Parameters of every request, which change nothing here. Source: "Standard query parameters", JSON API. */
const STANDARD: ReadonlySet<string> = new Set([
  'alt',
  'fields',
  'key',
  'prettyPrint',
  'quotaUser',
  'userIp',
  'userProject',
  'projection',
]);

/** What some clients take care not to ask for. */
const OPTIONAL_FEATURES: ReadonlySet<string> = new Set([
  'enableObjectRetention',
  'includeTrailingDelimiter',
  'softDeleted',
]);

function hasWhatItNeeds({ needs = [], needsHeader }: Operation, { query, headers }: Asked): boolean {
  if (needsHeader !== undefined && !headers.has(needsHeader)) return false;
  return needs.every((need) => {
    const [name = '', value] = need.split('=');
    return value === undefined ? query.has(name) : query.get(name) === value;
  });
}

/** Parameters of some operation; with others they mean nothing: Google's client sends a listing's along to delete what it found. */
const UNDERSTOOD: ReadonlySet<string> = new Set(
  OPERATIONS.flatMap(({ needs = [], takes = [] }) => [...needs.map((need) => need.split('=', 1)[0] ?? ''), ...takes]),
);

/** Encryption, holds, access control: to ignore them would be to claim what was not done. */
function refuseUnknown({ query, headers }: Asked): void {
  for (const [name, value] of query) {
    if (UNDERSTOOD.has(name) || STANDARD.has(name) || name.startsWith('X-Goog-')) continue;
    if (OPTIONAL_FEATURES.has(name) && value.toLowerCase() === 'false') continue;
    throw notImplemented(`query parameter ${name}`);
  }
  for (const name of headers.keys()) {
    if (/^x-goog-(?:encryption-|acl$|object-lock-|copy-source)/.test(name)) throw notImplemented(name);
  }
}
