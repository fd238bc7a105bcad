import { connect, createServer, type Server, type Socket } from 'node:net';
import { openDealer } from '../../src/transport/dealer-end.js';
import { createKeyPair } from '../../src/transport/key-pair.js';
import { openRouter } from '../../src/transport/router-end.js';
import type { DealerEnd, DealerOptions, Frames, RouterEnd, RouterOptions } from '../../src/transport/transport.js';

/** Collects what comes, and waits for it. */
export class Inbox<T> {
  readonly items: T[] = [];
  readonly #waiting = new Set<() => void>();

  readonly push = (item: T): void => {
    this.items.push(item);
    for (const wake of this.#waiting) wake();
  };

  /** Resolves once there are so many; fails after 10 s. */
  async reach(count: number, what = 'messages'): Promise<T[]> {
    await this.until((items) => items.length >= count, `${count} ${what}`);
    return this.items;
  }

  until(isEnough: (items: readonly T[]) => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`waited for ${what}, and there are ${this.items.length}`));
      }, 10_000);
      const check = (): void => {
        if (!isEnough(this.items)) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}

export interface TextMessage {
  readonly peer: string;
  readonly text: string;
}

const opened: { close(): unknown }[] = [];

/** Closes what a test opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const each of opened.splice(0).reverse()) await each.close();
}

/** Has something closed after the test. */
export function closing<T extends { close(): unknown }>(end: T): T {
  opened.push(end);
  return end;
}

/** A router on a free port of the loopback, and what it was sent. */
export async function routerOf(
  options: Partial<RouterOptions> = {},
): Promise<{ router: RouterEnd; inbox: Inbox<TextMessage>; refused: Inbox<string> }> {
  const inbox = new Inbox<TextMessage>();
  const refused = new Inbox<string>();
  const router = await openRouter({
    host: '127.0.0.1',
    ports: { from: 0, to: 0 },
    maxMessageBytes: 16 * 1024 * 1024,
    onMessage: (peer, frames) => inbox.push({ peer, text: textOf(frames) }),
    onRefused: refused.push,
    ...options,
  });
  return { router: closing(router), inbox, refused };
}

/** A dealer, what it was sent, and what befell it. */
export async function dealerOf(
  port: number,
  options: Partial<DealerOptions> = {},
): Promise<{ dealer: DealerEnd; inbox: Inbox<string>; events: Inbox<string> }> {
  const inbox = new Inbox<string>();
  const events = new Inbox<string>();
  const dealer = await openDealer({
    address: `tcp://127.0.0.1:${port}`,
    id: 'peer',
    maxMessageBytes: 16 * 1024 * 1024,
    onMessage: (frames) => inbox.push(textOf(frames)),
    onConnected: () => events.push('connected'),
    onDisconnected: () => events.push('disconnected'),
    onRefused: (reason, by) => events.push(`refused by ${by}: ${reason}`),
    ...options,
  });
  return { dealer: closing(dealer), inbox, events };
}

export function text(words: string): Frames {
  return [Buffer.from(words)];
}

function textOf(frames: Frames): string {
  return frames.map(String).join('|');
}

/** Keys of a server that lets one client in. */
export function keysOfRun() {
  const server = createKeyPair();
  const client = createKeyPair();
  return {
    server,
    client,
    ofServer: { server, allow: [client.publicKey] },
    ofClient: { client, serverKey: server.publicKey },
  };
}

/** A TCP proxy in front of a port that can cut its connections. */
export interface Proxy {
  readonly port: number;
  /** Ends every connection, and takes new ones again. */
  cut(): void;
  close(): Promise<void>;
}

export async function proxyTo(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  };
  const server: Server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    keep(near);
    keep(far);
    near.pipe(far).pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return closing({
    port: (server.address() as { port: number }).port,
    cut,
    close: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  });
}
