import { framesOf } from '../wire/frames/frame-stream.js';

/**
 * The frames of a message that came in pieces: small frames travel together, since each part of a ZeroMQ message has its
 * price in system calls and encryption. What is no message of ours is nobody's.
 */
export function framesOrNone(pieces: readonly Uint8Array[]): Uint8Array[] | undefined {
  try {
    return framesOf(pieces);
  } catch {
    return undefined;
  }
}
