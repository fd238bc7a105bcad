import { SluiceError } from '../../errors.js';
import type { PeerAddress } from '../../wire/pilot/peers.js';

/** What a `peer:` URL says: which file, on which node, and what must come. */
export interface PeerFile extends PeerAddress {
  /** Below the manager's folder, percent-encoded, as in the URL; ends in `/` for a folder. */
  readonly path: string;
  /** Absent for folders, and for files in them. */
  readonly size?: number;
  readonly crc32?: number;
  /** The run whose key opens it; absent where nothing is encrypted. */
  readonly run?: string;
}

/** `peer://<manager>@<host>:<port>/<path>?size=…&crc32=…&run=…` */
export function peerUrl({ manager, host, port, path, size, crc32, run }: PeerFile): string {
  const query = new URLSearchParams({
    ...(size !== undefined && { size: String(size) }),
    ...(crc32 !== undefined && { crc32: hexOf(crc32) }),
    ...(run !== undefined && { run }),
  });
  const name = host.includes(':') ? `[${host}]` : host;
  return `peer://${encodeURIComponent(manager)}@${name}:${port}/${path}${query.size > 0 ? `?${query}` : ''}`;
}

/** @throws {SluiceError} `INVALID_OPTIONS` for what is no such URL */
export function parsePeerUrl(url: string): PeerFile {
  const match = PATTERN.exec(url);
  if (match === null) throw new SluiceError('INVALID_OPTIONS', `${url} is no URL of a file on a node`);
  const [, manager = '', bracketed, name, port, path = '', queried = ''] = match;
  const query = new URLSearchParams(queried);
  const [size, crc32, run] = ['size', 'crc32', 'run'].map((key) => query.get(key));
  return {
    manager: decodeURIComponent(manager),
    host: bracketed ?? name ?? '',
    port: Number(port),
    path,
    ...(size && { size: Number(size) }),
    ...(crc32 && { crc32: Number.parseInt(crc32, 16) }),
    ...(run && { run }),
  };
}

const PATTERN = /^peer:\/\/([^@/]+)@(?:\[([^\]/]+)\]|([^:/]+)):(\d{1,5})\/([^?]*)(?:\?(.*))?$/;

/** A CRC-32 as eight digits. */
export function hexOf(crc32: number): string {
  return crc32.toString(16).padStart(8, '0');
}

/** The `temp:` URL that a file was kept for: what follows the folder of its attempt. */
export function temporaryUrlOf({ path }: Pick<PeerFile, 'path'>): string {
  return `temp:${path.slice(path.indexOf('/') + 1)}`;
}
