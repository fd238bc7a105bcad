import type { Dealer } from 'zeromq';
import { piecesOf } from '../wire/frames/frame-stream.js';
import { framesOrNone } from './frames-or-none.js';
import { receiveAll, watchEvents } from './receive-all.js';
import { resolveAddress } from './resolve-address.js';
import { clientCurve, socketOptions } from './socket-options.js';
import type { DealerEnd, DealerOptions } from './transport.js';
import { zeromq } from './zeromq.js';

const RECONNECT_MS = 100;
const RECONNECT_MAX_MS = 2_000;
const CONNECT_MS = 5_000;
/** A server that has another key hangs up without a word, as one does that is just going down. */
const HANG_UPS_THAT_REFUSE = 3;

/**
 * Connects, and again whenever the connection breaks; does not wait for it.
 *
 * @throws {SluiceError} `UNREACHABLE` when the address has a name that cannot be resolved
 */
export async function openDealer(options: DealerOptions): Promise<DealerEnd> {
  const { endpoint, isIpv6 } = await resolveAddress(options.address);
  const { Dealer } = zeromq();
  const socket = new Dealer({
    ...socketOptions(options),
    ...(options.security && clientCurve(options.security)),
    routingId: options.id,
    ipv6: isIpv6,
    reconnectInterval: RECONNECT_MS,
    reconnectMaxInterval: RECONNECT_MAX_MS,
    connectTimeout: CONNECT_MS,
  });
  void followConnection(socket, options);
  socket.connect(endpoint);
  void receiveAll(socket, (pieces) => {
    const frames = framesOrNone(pieces);
    if (frames !== undefined) options.onMessage(frames);
  });
  return {
    send: (frames) => {
      if (!socket.closed) void socket.send(piecesOf(frames)).catch(lost);
    },
    close: async () => socket.close(),
  };
}

/** There is no connection any more, since the server refused: the owner knows. */
function lost(): void {}

function followConnection(socket: Dealer, options: DealerOptions): Promise<void> {
  const { address, security, onConnected, onDisconnected, onRefused } = options;
  let isConnected = false;
  let wasConnected = false;
  let hangUps = 0;
  return watchEvents(socket.events, (event) => {
    switch (event.type) {
      case 'handshake':
        isConnected = true;
        wasConnected = true;
        onConnected?.();
        return;
      case 'disconnect':
        if (isConnected) onDisconnected?.();
        isConnected = false;
        return;
      case 'handshake:error:auth':
        onRefused?.(`${address} does not know the key of this peer`, 'server');
        return;
      case 'handshake:error:protocol':
        onRefused?.(`${address} ${mismatch(event.error.code, security !== undefined)}`, 'stranger');
        return;
      case 'handshake:error:other':
        hangUps += event.error.code === 'ETIMEDOUT' ? 0 : 1;
        if (security === undefined || wasConnected || hangUps !== HANG_UPS_THAT_REFUSE) return;
        onRefused?.(
          `${address} hangs up ${hangUps} times when greeted: it has another key than the one expected, or is not encrypted`,
          'stranger',
        );
    }
  });
}

function mismatch(code: string, isEncrypted: boolean): string {
  if (code !== 'ERR_ZMTP_MECHANISM_MISMATCH')
    return `does not speak as expected (${code}): something else listens there`;
  return isEncrypted ? 'is not encrypted, and this peer is' : 'is encrypted, and this peer is not';
}
