import { GcsError, invalidParameter, notImplemented } from '../gcs-error.js';
import type { GcsRequest } from '../gcs-request.js';
import type { ObjectFacts } from '../store/gcs-object.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The resource a request carries; `{}` when there is none. @throws {GcsError} `parseError` */
export async function readJson(request: GcsRequest): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LARGEST_RESOURCE) throw new GcsError('uploadTooLarge', 'The resource is too large.');
  }
  return parseJson(Buffer.concat(chunks).toString('utf8'));
}

/** @throws {GcsError} `parseError` when the text is no JSON object. */
export function parseJson(text: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    // Google's client for Go says so that it has nothing to say.
    if (parsed === null) return {};
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as JsonObject;
  } catch {
    // Told of below.
  }
  throw new GcsError('parseError', 'Parse Error');
}

const TEXT_FACTS = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'customTime',
] as const;

/** What clients send back of a resource they were given, and what says nothing beyond the request. */
const IGNORED: ReadonlySet<string> = new Set([
  'kind',
  'id',
  'selfLink',
  'mediaLink',
  'name',
  'bucket',
  'generation',
  'metageneration',
  'size',
  'md5Hash',
  'crc32c',
  'etag',
  'timeCreated',
  'updated',
  'timeStorageClassUpdated',
  'componentCount',
]);

/**
 * What a resource says of an object. Encryption, access control, holds: to ignore them would be to claim what was not
 * done. @throws {GcsError} `notImplemented`, `invalidParameter`
 */
export function factsIn(resource: JsonObject): ObjectFacts {
  const facts: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(resource)) {
    if (value === null || value === undefined || IGNORED.has(name)) continue;
    if (name === 'storageClass' && value === 'STANDARD') continue;
    if (name === 'metadata') facts.metadata = metadataIn(value);
    else if (!(TEXT_FACTS as readonly string[]).includes(name)) throw notImplemented(`the object's ${name}`);
    else if (typeof value !== 'string') throw invalidParameter(name, `Invalid value for: ${name}: not a text`);
    else facts[name] = value;
  }
  return facts;
}

/** Facts with the changes of a patch: `null` takes away. Source: "Patch semantics", RFC 7396. */
export function patchFacts(facts: ObjectFacts, patch: JsonObject): ObjectFacts {
  const { metadata, ...rest } = patch;
  const given = (metadata ?? {}) as JsonObject;
  const kept = Object.entries({ ...facts, ...factsIn(rest) }).filter(([name]) => patch[name] !== null);
  const both = Object.entries({ ...facts.metadata, ...given }).filter(([, value]) => value !== null);
  return {
    ...Object.fromEntries(kept),
    ...(metadata !== null && both.length > 0 && { metadata: metadataIn(Object.fromEntries(both)) }),
  };
}

function metadataIn(value: unknown): Readonly<Record<string, string>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const pairs = Object.entries(value);
    if (pairs.every(([, one]) => typeof one === 'string')) return Object.fromEntries(pairs);
  }
  throw invalidParameter('metadata', 'Invalid value for: metadata: not texts by name');
}

const LARGEST_RESOURCE = 1024 * 1024;
