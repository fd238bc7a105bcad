import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createEncrypted } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { listFolder } from '../local/local-listing.js';
import { serverTls } from './peer-access.js';
import { type ServedFile, SIZE, serveFile } from './serve-file.js';
import { openContent, openKept, placeOf } from './served-files.js';

export interface PeerServerOptions {
  /** Id of the manager: requests for another one are answered with 410. */
  readonly manager: string;
  /** Address to listen at. */
  readonly host: string;
  /** Absent: in the clear, to whoever asks. */
  readonly runKey?: string | undefined;
  /** Where kept files are. */
  readonly keptFolder: string;
  /** Folders of the entries of the node's caches, as they are known when somebody asks. */
  readonly entries: () => Iterable<string>;
  /** So many get cached inputs at a time; one more is told that it is too many. */
  readonly perSource: number;
  /** An asker that takes nothing for so long is hung up on. Default: 30 s. */
  readonly idleMs?: number;
}

/** Serves files of its node to other nodes of the run. */
export interface PeerServer {
  readonly port: number;
  /** Hangs up on everybody. */
  close(): Promise<void>;
}

const IDLE_MS = 30_000;
const REQUEST_MS = 10_000;
const MOST_CONNECTIONS = 512;
/** Kept files are nowhere else, so that more are let in; and yet each takes memory and a share of the line. */
const KEPT_AT_ONCE = 32;

/** Listens on any free port. Rejects as listening does. */
export async function startPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  const answering = new Answering(options);
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    // How an answer ends is for the asker to tell: the connection is gone, or says all.
    void answering.answer(request, response).catch(() => response.destroy());
  };
  const timeouts = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, maxHeaderSize: 8 * 1024 };
  const server: Server =
    options.runKey === undefined
      ? createPlain(timeouts, onRequest)
      : createEncrypted({ ...timeouts, ...serverTls(options.runKey) }, onRequest);
  server.maxConnections = MOST_CONNECTIONS;
  // Those that have not said yet who they are, too.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.setTimeout(options.idleMs ?? IDLE_MS, (socket) => socket.destroy());
  server.on('clientError', (_, socket) => socket.destroy());
  server.listen(0, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Answers requests: `/<manager>/content/<key>-<size>` and `/<manager>/kept/<path>`, the latter a list where it ends in `/`. */
class Answering {
  readonly #options: PeerServerOptions;
  #contents = 0;
  #kept = 0;

  constructor(options: PeerServerOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, manager = '', kind = '', path = ''] =
      /^\/([^/]+)\/(content|kept)\/([^?#]+)$/.exec(request.url ?? '') ?? [];
    const { keptFolder, entries, perSource } = this.#options;
    if (kind === '' || (request.method !== 'GET' && request.method !== 'HEAD')) return refuse(response, 400);
    if (decoded(manager) !== this.#options.manager) return refuse(response, 410);
    if (kind === 'kept') {
      if (this.#kept >= KEPT_AT_ONCE) return refuse(response, 503);
      this.#kept += 1;
      return this.#giveKept(keptFolder, path, request, response).finally(() => {
        this.#kept -= 1;
      });
    }
    if (this.#contents >= perSource) return refuse(response, perSource === 0 ? 404 : 503);
    this.#contents += 1;
    return give(openContent(entries(), path), request, response).finally(() => {
      this.#contents -= 1;
    });
  }

  async #giveKept(folder: string, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!path.endsWith('/')) return give(openKept(folder, path), request, response);
    const place = await placeOf(folder, path);
    if (place === undefined) return refuse(response, 404);
    const stop = new AbortController();
    response.once('close', () => stop.abort());
    const rows: [name: string, size: number, tag: string][] = [];
    for await (const { file, identity } of listFolder(place, stop.signal)) {
      rows.push([file.path.slice(place.length + 1), identity.size, identity.tag]);
    }
    response.end(JSON.stringify(rows));
  }
}

async function give(
  opened: Promise<ServedFile | undefined>,
  { headers, method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = await opened;
  if (file === undefined) return refuse(response, 404);
  try {
    const start = Number(/^bytes=(\d{1,15})-$/.exec(headers.range ?? '')?.[1] ?? 0);
    if (method === 'HEAD') response.writeHead(200, { [SIZE]: file.size }).end();
    else if (start > file.size) refuse(response, 416);
    else await serveFile(file, start, response);
  } finally {
    await file.handle.close();
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
