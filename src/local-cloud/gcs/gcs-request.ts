import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { parseQuery, splitTarget } from '../sigv4/uri.js';
import { GcsError } from './gcs-error.js';

/** The faces of Cloud Storage: JSON resources, the JSON API's uploads, the XML API, and the tokens of Google's OAuth. */
export type GcsApi = 'json' | 'upload' | 'xml' | 'token';

/** What a request asks of which API; path segments are still percent-encoded. */
export interface GcsTarget {
  readonly api: GcsApi;
  readonly path: readonly string[];
  /** Decoded; of a repeated parameter the first. */
  readonly query: ReadonlyMap<string, string>;
}

/** One authorized request, as operations see it. */
export interface GcsRequest extends GcsTarget {
  /** The body as it comes over the wire. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly response: ServerResponse;
  readonly method: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** `http://127.0.0.1:PORT`, as the client called it. */
  readonly origin: string;
  /** What stood in the path where its operation has `:name`, decoded. */
  readonly names: Readonly<Record<string, string>>;
}

/**
 * Reads a request target. Beside the paths of storage.googleapis.com there are those without `/storage/v1`, which
 * Google's client for Node.js sends to `STORAGE_EMULATOR_HOST`, and the `/resumable/upload` of older clients and gcloud.
 *
 * @throws {GcsError} `badRequest`
 */
export function parseTarget(url: string): GcsTarget {
  const { path, query } = splitTarget(url);
  const [, api = '', rest = ''] =
    /^\/(|upload\/|download\/)(?:storage\/v1\/)?(b(?:\/.*)?)$/.exec(path.replace(/^\/resumable(?=\/upload\/)/, '')) ??
    [];
  const first = new Map<string, string>();
  try {
    for (const [name, value] of parseQuery(query)) if (!first.has(name)) first.set(name, value);
  } catch {
    throw new GcsError('badRequest', 'The query is not percent-encoded as it must be.');
  }
  if (path === '/token') return { api: 'token', path: [], query: first };
  if (rest !== '') return { api: api === 'upload/' ? 'upload' : 'json', path: rest.split('/'), query: first };
  // In the XML API an object's slashes are those of the path.
  const [, bucket = '', object] = /^\/([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
  return { api: 'xml', path: [bucket, object ?? ''].filter((part) => part !== ''), query: first };
}

/** Headers by lower-case name, one value each. */
export function headersOf(headers: IncomingHttpHeaders): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) found.set(name, Array.isArray(value) ? value.join(',') : value);
  }
  return found;
}

/** What a path has where a pattern such as `b/:bucket/o/:object` has names; `undefined` when it is not of that form. */
export function matchPath(pattern: string, path: readonly string[]): Readonly<Record<string, string>> | undefined {
  const parts = pattern.split('/');
  if (parts.length !== path.length) return undefined;
  const names: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = path[index] as string;
    if (part.startsWith(':')) names[part.slice(1)] = decoded(segment);
    else if (part !== segment) return undefined;
  }
  return names;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new GcsError('badRequest', 'The path is not percent-encoded as it must be.');
  }
}
