import type { Context, Reply } from 'zeromq';
import { ZAP_DOMAIN } from './socket-options.js';
import { encodeZ85 } from './z85.js';
import { zeromq } from './zeromq.js';

/** Answers for an allow-list. */
export interface ZapHandler {
  /** From now on nobody is let in. */
  close(): void;
}

/**
 * Answers libzmq's question whether a key may come in, for every curve socket of the context that is bound after this
 * (https://rfc.zeromq.org/spec/27/). Whatever it does not understand it refuses.
 *
 * @param options.allow public keys in Z85
 */
export async function openZapHandler(
  context: Context,
  options: { readonly allow: readonly string[]; readonly onRefused: (address: string) => void },
): Promise<ZapHandler> {
  const { Reply } = zeromq();
  const socket = new Reply({ context, linger: 0, sendTimeout: 0 });
  await socket.bind('inproc://zeromq.zap.01');
  void answerAll(socket, new Set(options.allow), options.onRefused);
  return { close: () => socket.close() };
}

const VERSION = '1.0';

async function answerAll(socket: Reply, allow: ReadonlySet<string>, onRefused: (address: string) => void) {
  while (!socket.closed) {
    try {
      const request = await socket.receive();
      const [, requestId = '', , address = ''] = request;
      const isAllowed = mayComeIn(request, allow);
      const [status, text] = isAllowed ? ['200', 'OK'] : ['400', 'this key is not on the list'];
      await socket.send([VERSION, requestId, status, text, '', '']);
      if (!isAllowed) onRefused(String(address));
    } catch {
      // Closed; or an answer that could not be given, which lets nobody in either.
    }
  }
}

/** Frames: version, request id, domain, address, identity, mechanism, then for CURVE the key in 32 bytes. */
function mayComeIn(request: readonly Buffer[], allow: ReadonlySet<string>): boolean {
  const [version, , domain, , , mechanism, key] = request;
  if (String(version) !== VERSION || String(domain) !== ZAP_DOMAIN || String(mechanism) !== 'CURVE') return false;
  return key?.byteLength === 32 && allow.has(encodeZ85(key));
}
