import { SluiceError } from '../errors.js';
import type { Frames } from '../transport/transport.js';
import { VERSION } from '../version.js';
import { decode } from '../wire/codec.js';
import { parseClientMessage, parseManagerMessage } from '../wire/pilot/message-codec.js';
import type { ClientMessage, ManagerMessage } from '../wire/pilot/messages.js';

/** What a peer said, as far as it is understood. */
export type ReadMessage =
  | { readonly from: 'client'; readonly message: ClientMessage }
  | { readonly from: 'manager'; readonly message: ManagerMessage }
  /** A registration, and not one of this version. */
  | { readonly from: 'other version'; readonly blockId: string; readonly host: string; readonly reason: string }
  /** Nothing that makes sense; it is dropped. */
  | { readonly from: 'nobody' };

/** Reads a message of a peer that is the client, or may be a manager, or a client that says who it is. Never throws. */
export function readMessage(frames: Frames, peer: 'client' | 'manager'): ReadMessage {
  try {
    return peer === 'client'
      ? { from: 'client', message: parseClientMessage(frames) }
      : { from: 'manager', message: parseManagerMessage(frames) };
  } catch {
    return peer === 'client' ? NOBODY : (asHello(frames) ?? asRegistration(frames) ?? NOBODY);
  }
}

const NOBODY: ReadMessage = { from: 'nobody' };

function asHello(frames: Frames): ReadMessage | undefined {
  try {
    const message = parseClientMessage(frames);
    return message.kind === 'hello' ? { from: 'client', message } : undefined;
  } catch {
    return undefined;
  }
}

function asRegistration([head]: Frames): ReadMessage | undefined {
  try {
    const { kind, manager } = decode(head as Uint8Array) as { kind?: unknown; manager?: Record<string, unknown> };
    if (kind !== 'register') return undefined;
    const [sluice, blockId, host] = [manager?.sluice, manager?.blockId, manager?.host].map((word) =>
      typeof word === 'string' ? word.slice(0, 200) : 'unknown',
    ) as [string, string, string];
    const reason = `its registration is not understood: it has version ${sluice} of sluice, and the client ${VERSION}`;
    return { from: 'other version', blockId, host, reason };
  } catch (error) {
    if (error instanceof SluiceError || error instanceof TypeError) return undefined;
    throw error;
  }
}
