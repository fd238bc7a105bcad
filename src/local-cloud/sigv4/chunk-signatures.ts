import type { Claim } from './claim.js';
import { credentialScope, sameSignature, sha256Hex, sign } from './signing-key.js';

/** Checks the signatures inside a streamed body, in order: each one signs the one before. */
export interface ChunkSignatures {
  /** Whether `signature` is that of the next chunk, whose bytes have this SHA-256 (hex). */
  acceptChunk(sha256: string, signature: string): boolean;
  /** Whether `signature` is that of the trailing headers, given as `name:value\n` lines. */
  acceptTrailer(trailer: string, signature: string): boolean;
}

/**
 * The chain that starts at the request's own signature.
 * Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks", S3 API Reference.
 */
export function createChunkSignatures(key: Buffer, claim: Claim): ChunkSignatures {
  let previous = claim.signature;
  const accept = (algorithm: string, hashes: readonly string[], signature: string): boolean => {
    const text = [algorithm, claim.amzDate, credentialScope(claim), previous, ...hashes].join('\n');
    const expected = sign(key, text);
    previous = expected;
    return sameSignature(expected, signature);
  };
  return {
    acceptChunk: (sha256, signature) => accept('AWS4-HMAC-SHA256-PAYLOAD', [sha256Hex(''), sha256], signature),
    acceptTrailer: (trailer, signature) => accept('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(trailer)], signature),
  };
}
