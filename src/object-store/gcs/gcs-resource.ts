import type { ObjectInfo } from '../object-store.js';

/** What is asked of an object's resource, in the JSON API's own names. */
export const RESOURCE_FIELDS = 'name,size,generation,updated,crc32c';

/** An object's resource, as far as {@link RESOURCE_FIELDS} asks for it. */
export interface GcsResource {
  readonly name: string;
  readonly size: string;
  readonly generation: string;
  readonly updated?: string;
  readonly crc32c?: string;
}

/** A resource in the store's terms: what tells one content of an object from another is its generation. */
export function infoOf({ name, size, generation, updated, crc32c }: GcsResource): ObjectInfo {
  const lastModifiedMs = Date.parse(updated ?? '');
  return {
    key: name,
    size: Number(size),
    etag: String(generation),
    lastModifiedMs: Number.isNaN(lastModifiedMs) ? 0 : lastModifiedMs,
    ...(crc32c !== undefined && { crc32c: crcOf(crc32c) }),
  };
}

/** The parameter that asks for a version; one that no object can have is `0`, of which a read finds none. */
export function isGeneration(etag: string): boolean {
  return /^[1-9]\d{0,18}$/.test(etag);
}

/** A CRC32C as Cloud Storage writes it, as a number. */
export function crcOf(text: string): number {
  return Buffer.from(text, 'base64').readUInt32BE();
}
