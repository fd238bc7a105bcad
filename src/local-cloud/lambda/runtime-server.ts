import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type HttpRequest, HttpRequestReader } from './http-request-reader.js';

/** A request that is to be answered, once, now or later. */
export interface Exchange extends Omit<HttpRequest, 'isLast'> {
  answer(status: number, headers: Readonly<Record<string, string>>, body: Buffer | string): void;
}

/** A server that listens on a free port of 127.0.0.1. */
export interface RuntimeServer {
  /** `host:port`. */
  readonly address: string;
  /** Breaks all connections off. */
  close(): Promise<void>;
}

/** Largest body read at all: beyond, the connection is cut off. */
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Serves HTTP/1.1 for one runtime; there may be a thousand of them. Answers go out in the order of their requests. One
 * that is followed by another request already waits for the other's answer: who sends requests without waiting (RFC
 * 9112, 9.3.2, "Pipelining") is so woken once for both. `node:http` would write each for itself, and takes twice the time.
 */
export async function startRuntimeServer(onExchange: (exchange: Exchange) => void): Promise<RuntimeServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serveConnection(socket, onExchange);
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Waiting {
  readonly isLast: boolean;
  /** Head and body, once there is an answer. */
  answer: readonly (Buffer | string)[] | undefined;
}

function serveConnection(socket: Socket, onExchange: (exchange: Exchange) => void): void {
  const queue: Waiting[] = [];
  let isReading = false;
  const flush = (): void => {
    if (isReading || queue.length === 0 || queue.some(({ answer }) => answer === undefined)) return;
    socket.cork();
    for (const { answer = [], isLast } of queue.splice(0)) {
      for (const part of answer) socket.write(part);
      if (isLast) socket.end();
    }
    socket.uncork();
  };
  const reader = new HttpRequestReader(
    {
      onExpect: () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
      onRequest({ isLast, ...request }) {
        const waiting: Waiting = { isLast, answer: undefined };
        queue.push(waiting);
        onExchange({
          ...request,
          answer(status, headers, body) {
            waiting.answer ??= [headOf(status, headers, body), body];
            flush();
          },
        });
      },
    },
    { bodyLimitBytes: BODY_LIMIT_BYTES },
  );
  socket.on('data', (bytes) => {
    isReading = true;
    try {
      reader.read(bytes);
    } catch {
      socket.destroy();
    }
    isReading = false;
    flush();
  });
}

function headOf(status: number, headers: Readonly<Record<string, string>>, body: Buffer | string): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  return `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
}
