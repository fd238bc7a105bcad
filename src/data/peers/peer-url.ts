import { SluiceError } from '../../errors.js';
import type { PeerAddress } from '../../wire/pilot/peers.js';
import type { FileIdentity } from '../staging.js';

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

/** `peer://<manager>@<host>:<port>/<run>/<size>-<crc32>/<path>`, with `-` for a run or a sum that there is none of. */
export function peerUrl({ manager, host, port, path, size, crc32, run }: PeerFile): string {
  const name = host.includes(':') ? `[${host}]` : host;
  const sum = size === undefined || crc32 === undefined ? NONE : `${size}-${hexOf(crc32)}`;
  return `peer://${encodeURIComponent(manager)}@${name}:${port}/${run ?? NONE}/${sum}/${path}`;
}

/** @throws {SluiceError} `INVALID_OPTIONS` for what is no such URL */
export function parsePeerUrl(url: string): PeerFile {
  const match = PATTERN.exec(url);
  if (match === null) throw new SluiceError('INVALID_OPTIONS', `${url} is no URL of a file on a node`);
  const [, manager = '', bracketed, name, port, run, size, crc32 = '', path = ''] = match;
  return {
    manager: decodeURIComponent(manager),
    host: bracketed ?? name ?? '',
    port: Number(port),
    path,
    ...(size !== undefined && { size: Number(size), crc32: Number.parseInt(crc32, 16) }),
    ...(run !== NONE && run !== undefined && { run }),
  };
}

const NONE = '-';
const PATTERN =
  /^peer:\/\/([^@/]+)@(?:\[([^\]/]+)\]|([^:/]+)):(\d{1,5})\/([0-9a-f]+|-)\/(?:(\d{1,15})-([0-9a-f]{8})|-)\/([^?#]*)$/;

/** A CRC-32 as eight digits. */
export function hexOf(crc32: number): string {
  return crc32.toString(16).padStart(8, '0');
}

/** The `temp:` URL that a file was kept for: what follows the folder of its attempt. */
export function temporaryUrlOf({ path }: Pick<PeerFile, 'path'>): string {
  return `temp:${path.slice(path.indexOf('/') + 1)}`;
}

/** The names in a path of a URL, decoded; `undefined` when one of them is none that a file below a folder can have. */
export function segmentsOf(path: string): readonly string[] | undefined {
  try {
    const segments = path.replace(/\/$/, '').split('/').map(decodeURIComponent);
    return segments.every((segment) => !UNFIT.test(segment)) ? segments : undefined;
  } catch {
    return undefined;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a zero byte ends a path where it stands.
const UNFIT = /^\.{0,2}$|[/\u0000]/;

/** What a home's URL becomes once the file is there: it says what has to come. */
export function keptUrl(home: string, identity: FileIdentity | undefined): string {
  if (identity === undefined || home.endsWith('/')) return home;
  return peerUrl({ ...parsePeerUrl(home), size: identity.size, crc32: Number.parseInt(identity.tag, 16) });
}
