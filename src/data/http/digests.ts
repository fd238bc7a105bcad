import { createHash } from 'node:crypto';
import { SluiceError } from '../../errors.js';
import { fileDigest } from '../content-hash.js';

/** A checksum of a whole file, as its server announces it. */
export interface AnnouncedDigest {
  readonly algorithm: 'sha512' | 'sha256' | 'sha1' | 'md5';
  readonly base64: string;
  /** Header it stood in. */
  readonly header: string;
}

/**
 * The best checksum that the answer with a whole file announces. Sources: RFC 9530 (`Repr-Digest`, `Content-Digest`),
 * RFC 3230 and 5843 (`Digest`), RFC 1864 (`Content-MD5`), "Response headers", Cloud Storage XML API (`x-goog-hash`).
 */
export function announcedDigest(header: (name: string) => string | undefined): AnnouncedDigest | undefined {
  const found = ['repr-digest', 'content-digest', 'digest', 'content-md5', 'x-goog-hash'].flatMap((name) => {
    // Cloud Storage unpacks what is stored packed, and tells the checksum of the latter.
    if (name === 'x-goog-hash' && header('x-goog-stored-content-encoding') !== 'identity') return [];
    return digestsIn(name, header(name) ?? '');
  });
  return ALGORITHMS.map(([, algorithm]) => found.find((digest) => digest.algorithm === algorithm)).find(
    (digest) => digest !== undefined,
  );
}

/** @throws {SluiceError} `TRANSFER_FAILED` when a content, or that of the file at a path, does not have the checksum */
export async function checkDigest(
  { algorithm, base64, header }: AnnouncedDigest,
  {
    content,
    what,
    signal,
  }: { readonly content: readonly Uint8Array[] | string; readonly what: string; readonly signal: AbortSignal },
): Promise<void> {
  const digest =
    typeof content === 'string' ? await fileDigest(content, algorithm, signal) : digestOf(content, algorithm);
  if (digest.toString('base64') === base64) return;
  throw new SluiceError(
    'TRANSFER_FAILED',
    `${what}: the ${algorithm} of what came is ${digest.toString('base64')}, the server announced ${base64} (${header})`,
  );
}

function digestOf(chunks: readonly Uint8Array[], algorithm: string): Buffer {
  const hash = createHash(algorithm);
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest();
}

// Best first.
const ALGORITHMS: readonly (readonly [name: RegExp, algorithm: AnnouncedDigest['algorithm'], bytes: number])[] = [
  [/^sha-512$/i, 'sha512', 64],
  [/^sha-256$/i, 'sha256', 32],
  [/^(sha|sha-1)$/i, 'sha1', 20],
  [/^md5$/i, 'md5', 16],
];

function digestsIn(header: string, text: string): AnnouncedDigest[] {
  const items = header === 'content-md5' ? [`md5=${text}`] : text.split(',');
  return items.flatMap((item) => {
    // A structured field writes bytes between colons.
    const [, name = '', base64 = ''] = /^\s*([A-Za-z0-9-]+)=:?([A-Za-z0-9+/]+=*):?\s*$/.exec(item) ?? [];
    const known = ALGORITHMS.find(([pattern]) => pattern.test(name));
    if (known === undefined || Buffer.from(base64, 'base64').length !== known[2]) return [];
    return [{ algorithm: known[1], base64: Buffer.from(base64, 'base64').toString('base64'), header }];
  });
}
