import type { FileIdentity } from '../staging.js';

/** What an answer says of the file as it is at this moment. */
export interface Representation {
  /** In bytes; `undefined` where the server does not say. */
  readonly size: number | undefined;
  /**
   * What tells this content from every other one, as `If-Range` takes it: a strong entity tag, or else a date of
   * modification that lies long enough back. `undefined`: a part of it could not be told from a part of another.
   */
  readonly validator: string | undefined;
  /** Tag of the file's identity; empty where the server says nothing of it. */
  readonly tag: string;
  /** Whether the server offers parts. */
  readonly offersRanges: boolean;
}

/** Reads the headers of an answer to GET or HEAD, of the whole file or of a part. Source: RFC 9110, 8.8 and 14.3. */
export function representationOf(header: (name: string) => string | undefined): Representation {
  const size = sizeOf(header);
  const etag = header('etag');
  const modified = header('last-modified');
  const modifiedMs = Date.parse(modified ?? '');
  const isStrong = etag !== undefined && !etag.startsWith('W/');
  return {
    size,
    validator: isStrong ? etag : strongDate(modified, header('date')),
    tag: tagOf({ etag, isStrong, modifiedMs, size }),
    offersRanges: /\bbytes\b/i.test(header('accept-ranges') ?? '') || header('content-range') !== undefined,
  };
}

/** The identity that goes with it. Without a tag it says nothing, whatever its size. */
export function identityOf({ tag, size }: Representation): FileIdentity {
  return { tag: size === undefined ? '' : tag, size: size ?? 0 };
}

/** Where the part of an answer with status 206 begins and ends (inclusive), and the size of the whole, if told. */
export function partOf(
  contentRange: string | undefined,
): { start: number; end: number; size: number | undefined } | undefined {
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(contentRange?.trim() ?? '') ?? [];
  if (start === undefined || end === undefined) return undefined;
  return { start: Number(start), end: Number(end), size: size === '*' ? undefined : Number(size) };
}

function sizeOf(header: (name: string) => string | undefined): number | undefined {
  const range = header('content-range');
  // What has no such part names its size alone.
  if (range !== undefined) return partOf(range)?.size ?? numberIn(/^bytes \*\/(\d+)$/i.exec(range.trim())?.[1]);
  return numberIn(header('content-length'));
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

interface Told {
  readonly etag: string | undefined;
  readonly isStrong: boolean;
  readonly modifiedMs: number;
  readonly size: number | undefined;
}

// A weak tag may stay when bytes change, and a date when the size does.
function tagOf({ etag, isStrong, modifiedMs, size }: Told): string {
  if (etag !== undefined && isStrong) return etag;
  const parts = [etag, Number.isNaN(modifiedMs) ? undefined : modifiedMs, size];
  return etag === undefined && Number.isNaN(modifiedMs) ? '' : parts.filter((part) => part !== undefined).join('-');
}

// The file could have changed again within the second of its date. Source: RFC 9110, 8.8.2.2.
function strongDate(modified: string | undefined, date: string | undefined): string | undefined {
  return Date.parse(date ?? '') - Date.parse(modified ?? '') >= 1_000 ? modified : undefined;
}
