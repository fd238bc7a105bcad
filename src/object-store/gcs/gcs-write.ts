import { randomUUID } from 'node:crypto';
import { base64OfCrc32 } from '../../checksums/combine-crcs.js';
import { crc32c } from '../../checksums/crc32c.js';
import { SluiceError } from '../../errors.js';
import type { ObjectInfo, PutOptions } from '../object-store.js';
import { nameOf } from './gcs-errors.js';
import { type GcsRequests, objectPath, urlOf } from './gcs-requests.js';
import { type GcsResource, infoOf, isGeneration, RESOURCE_FIELDS } from './gcs-resource.js';

/** Metadata by which a write whose answer got lost is known again. */
const MARK = 'sluice-write';

/** Writes one object in one request, its checksum along with it. */
export async function putObject(
  requests: GcsRequests,
  key: string,
  body: Uint8Array,
  options: PutOptions,
): Promise<ObjectInfo> {
  const conditions = conditionsOf(requests, key, options);
  const mark = randomUUID();
  const resource = {
    name: key,
    crc32c: base64OfCrc32(crc32c(body)),
    contentType: options.contentType ?? DEFAULT_TYPE,
    ...(Object.keys(conditions).length > 0 && { metadata: { [MARK]: mark } }),
  };
  const related = relatedBody(resource, body);
  let attempts = 0;
  try {
    const subject = { action: 'write', key, signal: options.signal, carries: 'content' } as const;
    const written = await requests.send(subject, ({ json }) => {
      attempts += 1;
      const query = { uploadType: 'multipart', name: key, fields: RESOURCE_FIELDS, ...conditions };
      const url = urlOf(requests, '/o', query, '/upload');
      return json<GcsResource>({ method: 'POST', url, ...related });
    });
    return infoOf(written);
  } catch (error) {
    // An attempt whose answer got lost may have been carried out, and then the next one fails its own condition.
    const found = attempts > 1 && mayBeOurs(error) ? await findMarked(requests, key, mark, options.signal) : undefined;
    if (found !== undefined) return found;
    throw error;
  }
}

/** Type of objects of which nothing is said. Source: "Object metadata", Cloud Storage. */
export const DEFAULT_TYPE = 'application/octet-stream';

/**
 * The parameters of a write's conditions: generation 0 is that of no object.
 * @throws {SluiceError} `PRECONDITION_FAILED` when no object can have the version.
 */
export function conditionsOf(
  { options }: GcsRequests,
  key: string,
  { ifAbsent, ifMatch }: PutOptions,
): { ifGenerationMatch?: string } {
  if (ifAbsent) return { ifGenerationMatch: '0' };
  if (ifMatch === undefined) return {};
  if (isGeneration(ifMatch)) return { ifGenerationMatch: ifMatch };
  const name = nameOf({ action: 'write', bucket: options.bucket, key });
  throw new SluiceError(
    'PRECONDITION_FAILED',
    `write ${name}: no object has the generation ${JSON.stringify(ifMatch)}`,
  );
}

const MAY_BE_OURS: ReadonlySet<string> = new Set(['PRECONDITION_FAILED', 'TRANSFER_FAILED', 'SERVICE_FAILED']);

function mayBeOurs(error: unknown): boolean {
  return error instanceof SluiceError && MAY_BE_OURS.has(error.code);
}

async function findMarked(
  requests: GcsRequests,
  key: string,
  mark: string,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo | undefined> {
  try {
    const resource = await requests.send({ action: 'read', key, signal }, ({ json }) => {
      const url = urlOf(requests, objectPath(key), { fields: `${RESOURCE_FIELDS},metadata` });
      return json<GcsResource & { readonly metadata?: Readonly<Record<string, string>> }>({ method: 'GET', url });
    });
    return resource.metadata?.[MARK] === mark ? infoOf(resource) : undefined;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** A resource and its bytes in one body. Source: "Object uploads", JSON API multipart uploads; RFC 2387. */
function relatedBody(
  resource: { readonly contentType: string },
  bytes: Uint8Array,
): { readonly headers: Record<string, string>; readonly body: Buffer } {
  const boundary = randomUUID();
  const head = `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n`;
  const middle = `--${boundary}\r\nContent-Type: ${resource.contentType}\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head + middle), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { headers: { 'Content-Type': `multipart/related; boundary=${boundary}` }, body };
}
