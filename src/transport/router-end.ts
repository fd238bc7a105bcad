import type { Router } from 'zeromq';
import { messageOf, SluiceError } from '../errors.js';
import { piecesOf } from '../wire/frames/frame-stream.js';
import { framesOrNone } from './frames-or-none.js';
import { portFreed } from './port-freed.js';
import { receiveAll, watchEvents } from './receive-all.js';
import { serverCurve, socketOptions } from './socket-options.js';
import type { RouterEnd, RouterOptions } from './transport.js';
import { openZapHandler } from './zap-handler.js';
import { zeromq } from './zeromq.js';

/** How long a close waits for the port to be free again. */
const UNBIND_MS = 1_000;

/**
 * Listens. A peer that comes with the id of another takes its place, as one does that reconnects before its old
 * connection is known to be dead.
 *
 * @throws {SluiceError} `ADDRESS_IN_USE` when every port of the range is taken; `INVALID_OPTIONS` when the host is not an
 * address of this machine, or the ports are not this user's to take.
 */
export async function openRouter(options: RouterOptions): Promise<RouterEnd> {
  const { security, onRefused = () => {} } = options;
  const { Context, Router } = zeromq();
  // A ZAP handler answers for a whole context, so each end has one of its own.
  const context = new Context();
  const zap = security && (await openZapHandler(context, { allow: security.allow, onRefused }));
  const socket = new Router({
    context,
    ...socketOptions(options),
    ...(security && serverCurve(security)),
    handover: true,
    ipv6: options.host.includes(':'),
  });
  void watchEvents(socket.events, ({ type }) => {
    // The ZAP handler, which knows who it was, tells of the other refusals.
    if (type === 'handshake:error:protocol') onRefused('');
  });
  let port: number;
  try {
    port = bindFirstFree(socket, options);
    if (options.local !== undefined) bindLocal(socket, options.local);
  } catch (error) {
    socket.close();
    zap?.close();
    throw error;
  }
  void receiveAll(socket, (message) => {
    const id = message[0];
    // Zero leads ids that libzmq made up: a peer without one, or what is left of one whose place was taken.
    if (id === undefined || id[0] === 0) return;
    const frames = framesOrNone(message.slice(1));
    if (frames !== undefined) options.onMessage(id.toString(), frames);
  });
  return {
    port,
    send: (peer, frames) => {
      if (!socket.closed) void socket.send([peer, ...piecesOf(frames)]).catch(lost);
    },
    // Not unbound before: zeromq.js 6.8 does that on another thread while this one polls the socket, and libzmq aborts.
    close: async () => {
      socket.close();
      zap?.close();
      await portFreed(options.host, port, UNBIND_MS);
    },
  };
}

/** The peer is gone, and links send again what it did not get. */
function lost(): void {}

function bindFirstFree(socket: Router, { host, ports }: RouterOptions): number {
  const name = host.includes(':') ? `[${host}]` : host;
  for (let port = ports.from; port <= ports.to; port++) {
    try {
      socket.bindSync(`tcp://${name}:${port}`);
      return Number(/:(\d+)$/.exec(socket.lastEndpoint ?? '')?.[1]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw notBindable(`tcp://${name}:${port}`, error);
    }
  }
  const taken = ports.from === ports.to ? `port ${ports.from} is` : `ports ${ports.from} to ${ports.to} are`;
  throw new SluiceError(
    'ADDRESS_IN_USE',
    `cannot listen on ${host}: ${taken} in use; end what listens there, or choose other ports`,
  );
}

function bindLocal(socket: Router, address: string): void {
  try {
    socket.bindSync(address);
  } catch (error) {
    throw notBindable(address, error);
  }
}

function notBindable(address: string, cause: unknown): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `cannot listen on ${address}: ${messageOf(cause)}; the host must be an address of this machine`,
    { cause },
  );
}
