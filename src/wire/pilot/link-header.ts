import { SluiceError } from '../../errors.js';
import { wordAt } from '../frames/word-at.js';
import { PILOT_PROTOCOL } from './messages.js';

/** The first frame of everything that travels between processes of a pilot. */
export interface LinkHeader {
  /** Chosen at random by each side when it starts (or starts anew): numbers count within it. */
  readonly session: number;
  /** Counts messages from 1; 0 for a frame that carries none: a heartbeat, an acknowledgement. */
  readonly sequence: number;
  /** The session of the other side that `acknowledged` is about; 0 when none has been heard. */
  readonly peer: number;
  /** Every message of `peer` up to this one has arrived. */
  readonly acknowledged: number;
  /** What follows `acknowledged` is missing, or may be: the connection broke. It is to be sent again. */
  readonly repeat: boolean;
}

const BYTES = 20;

/** 20 bytes: "SL", the protocol's version, 1 to ask for repetition or 0, then four big-endian words. */
export function encodeHeader({ session, sequence, peer, acknowledged, repeat }: LinkHeader): Uint8Array {
  const bytes = Buffer.allocUnsafe(BYTES);
  bytes[0] = 0x53;
  bytes[1] = 0x4c;
  bytes[2] = PILOT_PROTOCOL;
  bytes[3] = repeat ? 1 : 0;
  bytes.writeUInt32BE(session, 4);
  bytes.writeUInt32BE(sequence, 8);
  bytes.writeUInt32BE(peer, 12);
  bytes.writeUInt32BE(acknowledged, 16);
  return bytes;
}

/** @throws {SluiceError} `VERSION_MISMATCH` for another protocol, `PROTOCOL` for anything that is no header */
export function parseHeader(frame: Uint8Array | undefined): LinkHeader {
  if (frame === undefined || frame.byteLength < 4 || frame[0] !== 0x53 || frame[1] !== 0x4c) {
    throw new SluiceError('PROTOCOL', 'a message without the header of a pilot');
  }
  if (frame[2] !== PILOT_PROTOCOL) {
    throw new SluiceError(
      'VERSION_MISMATCH',
      `the peer speaks version ${frame[2]} of the pilot protocol, this side version ${PILOT_PROTOCOL}: bring both to one version of sluice`,
    );
  }
  if (frame.byteLength !== BYTES) throw new SluiceError('PROTOCOL', 'a header of a pilot that is cut off');
  return {
    session: wordAt(frame, 4),
    sequence: wordAt(frame, 8),
    peer: wordAt(frame, 12),
    acknowledged: wordAt(frame, 16),
    repeat: frame[3] === 1,
  };
}
