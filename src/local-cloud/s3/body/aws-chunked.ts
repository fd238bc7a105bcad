import { createHash } from 'node:crypto';
import type { SignedPayload } from '../../sigv4.js';
import { S3Error } from '../s3-error.js';
import { ByteReader } from './byte-reader.js';

/** A payload whose bytes come framed as `aws-chunked`. */
export type StreamingPayload = Extract<SignedPayload, { kind: 'streaming-unsigned-trailer' | 'streaming-signed' }>;

/**
 * Takes the framing off an `aws-chunked` body: yields the object's bytes and returns the trailing headers, by lower-case name.
 *
 * Throws S3Error on a broken frame, an early end, or a chunk or trailer whose signature is wrong. Bytes are yielded
 * before their chunk's signature can be checked, so they must not be published before the end.
 * Source: "Transferring Payload in Multiple Chunks", S3 API Reference.
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Uint8Array>,
  payload: StreamingPayload,
): AsyncGenerator<Uint8Array, ReadonlyMap<string, string>> {
  const reader = new ByteReader(source);
  for (;;) {
    const { size, signature } = parseFrame(await reader.line(LONGEST_LINE));
    const hash = payload.kind === 'streaming-signed' ? createHash('sha256') : undefined;
    for await (const bytes of reader.bytes(size)) {
      hash?.update(bytes);
      yield bytes;
    }
    if (payload.kind === 'streaming-signed' && !payload.chunks.acceptChunk(hash?.digest('hex') ?? '', signature)) {
      throw wrongSignature('chunk');
    }
    if (size === 0) break;
    if ((await reader.line(LONGEST_LINE)) !== '') {
      throw new S3Error('InvalidRequest', 'A chunk of the body is not followed by CRLF.');
    }
  }
  const trailer = await readTrailer(reader);
  checkTrailerSignature(trailer, payload);
  return trailer;
}

const LONGEST_LINE = 4096;
const MOST_TRAILERS = 16;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

function parseFrame(line: string): { size: number; signature: string } {
  const match = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line);
  if (match === null) throw new S3Error('InvalidRequest', 'The body is not encoded as aws-chunked.');
  return { size: Number.parseInt(match[1] as string, 16), signature: match[2] ?? '' };
}

/** Reads `name:value` lines to the end of the body; the empty lines that clients put between them mean nothing. */
async function readTrailer(reader: ByteReader): Promise<Map<string, string>> {
  const trailer = new Map<string, string>();
  for (let lines = 0; !(await reader.ended()); lines++) {
    const line = await reader.line(LONGEST_LINE);
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1 || lines > MOST_TRAILERS * 2) throw malformedTrailer('The trailer of the body is malformed.');
    trailer.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return trailer;
}

function checkTrailerSignature(trailer: ReadonlyMap<string, string>, payload: StreamingPayload): void {
  if (payload.kind !== 'streaming-signed' || !payload.withTrailer) return;
  const signed = [...trailer]
    .filter(([name]) => name !== TRAILER_SIGNATURE)
    .map(([name, value]) => `${name}:${value}\n`);
  const signature = trailer.get(TRAILER_SIGNATURE) ?? '';
  if (!payload.chunks.acceptTrailer(signed.join(''), signature)) throw wrongSignature('trailer');
}

function wrongSignature(of: 'chunk' | 'trailer'): S3Error {
  const message = `The signature we calculated for a ${of} of the body does not match the one you provided.`;
  return new S3Error('SignatureDoesNotMatch', message);
}

/** The trailer is not what the headers announced. */
export function malformedTrailer(message: string): S3Error {
  return new S3Error('MalformedTrailerError', message);
}
