import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '../../errors.js';
import type { PeerAccess, PeerAddress } from '../../wire/pilot/peers.js';
import { clientTls } from './peer-access.js';
import { PeerFailure } from './peer-failure.js';

/** What is asked of a node. */
export interface PeerRequest {
  readonly address: PeerAddress;
  readonly access: PeerAccess | undefined;
  /** `content/<key>-<size>`, or `kept/` and a path. */
  readonly path: string;
  readonly method?: 'GET' | 'HEAD';
  /** Byte to begin with. Default: 0. */
  readonly start?: number;
  readonly signal: AbortSignal;
}

/** How long a node gets to begin with its answer. */
const ANSWER_MS = 10_000;

/** Resolves with the beginning of an answer. @throws {PeerFailure}, or `signal.reason` */
export function askPeer({ address, access, path, method, start = 0, signal }: PeerRequest): Promise<IncomingMessage> {
  const { manager, host, port } = address;
  const at = `node ${host}:${port}`;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = httpRequest({
      method: method ?? 'GET',
      path: `/${encodeURIComponent(manager)}/${path}`,
      headers: { host: 'node', connection: 'close', ...(start > 0 && { range: `bytes=${start}-` }) },
      createConnection: () => connectTo(host, port, access),
      signal,
    });
    const late = setTimeout(() => request.destroy(new PeerFailure('unreachable', `${at} does not answer`)), ANSWER_MS);
    request.on('error', (error) => {
      clearTimeout(late);
      reject(signal.aborted ? signal.reason : failureOf(error, at));
    });
    request.once('response', (response) => {
      clearTimeout(late);
      const refusal = refusalOf(response, at);
      if (refusal === undefined) return resolve(response);
      reject(refusal);
      request.destroy();
    });
    request.end();
  });
}

function connectTo(host: string, port: number, access: PeerAccess | undefined): Socket {
  return access === undefined ? connectPlain({ host, port }) : connectTls({ host, port, ...clientTls(access) });
}

function failureOf(error: Error, at: string): PeerFailure {
  if (error instanceof PeerFailure) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  return new PeerFailure(NO_WAY.has(code) ? 'unreachable' : 'broken', `${at}: ${messageOf(error)}`, { cause: error });
}

const NO_WAY: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

function refusalOf({ statusCode }: IncomingMessage, at: string): PeerFailure | undefined {
  switch (statusCode) {
    case 200:
    case 206:
      return undefined;
    case 503:
      return new PeerFailure('busy', `${at} has enough to do`);
    case 404:
      return new PeerFailure('absent', `${at} has no such file`);
    case 410:
      return new PeerFailure('absent', `${at} is another manager's now`);
    default:
      return new PeerFailure('broken', `${at} answered with status ${statusCode}`);
  }
}
