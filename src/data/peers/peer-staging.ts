import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, SluiceError } from '../../errors.js';
import { ifThere } from '../cache/errno.js';
import { DataFile } from '../data-file.js';
import { childOf, relativeName } from '../folder-transfer.js';
import { listFolder } from '../local/local-listing.js';
import type { ListedFile, Staging } from '../staging.js';
import { keepFile } from './kept-files.js';
import { type PeerRing, PROCESS_RING } from './peer-access.js';
import { declarePeers, type OwnFolder } from './peer-declaration.js';
import { downloadFromPeers, type LeastSpeed, type NextTry } from './peer-download.js';
import { PeerFailure } from './peer-failure.js';
import { askPeer } from './peer-request.js';
import { hexOf, type PeerFile, parsePeerUrl, segmentsOf, temporaryUrlOf } from './peer-url.js';
import { SIZE } from './serve-file.js';

export interface PeerStagingOptions {
  /** Default: this process's. */
  readonly ring?: PeerRing;
  /** Absent where nothing is kept: a client's. */
  readonly own?: OwnFolder | undefined;
  readonly leastSpeed?: LeastSpeed;
}

/**
 * Staging of `peer:` URLs, `temp:` files that stay on the node that made them: read in place there, fetched from there
 * elsewhere. What is gone with its node is `INPUT_LOST`.
 */
export function createPeerStaging({ ring = PROCESS_RING, own, leastSpeed }: PeerStagingOptions = {}): Staging {
  const isPeer = ({ scheme }: DataFile) => scheme === 'peer';

  const ask = async (file: PeerFile, method: 'GET' | 'HEAD', signal: AbortSignal) => {
    const { path, run } = file;
    return askPeer({ address: file, access: ring.accessTo(run), path: `kept/${path}`, method, signal });
  };

  return {
    ...declarePeers(own),
    canStageIn: isPeer,
    canStageOut: (file) => own !== undefined && isPeer(file),
    async stageIn(file, target) {
      const peer = parsePeerUrl(file.url);
      if (own?.manager === peer.manager) return inPlace(own.folder, peer);
      const size = peer.size ?? target.identity?.size;
      if (size === undefined) throw new SluiceError('INVALID_OPTIONS', `${file.url} does not say how long the file is`);
      const tries = { address: peer, access: ring.accessTo(peer.run), path: `kept/${peer.path}` };
      await losing(peer, target.signal, () =>
        downloadFromPeers({ size, crc32: peer.crc32 }, keptTries(tries), target, leastSpeed),
      );
      return target.suggestedPath;
    },
    async stageOut(file, { path, signal, onProgress }) {
      const peer = parsePeerUrl(file.url);
      if (own?.manager !== peer.manager) throw new SluiceError('INVALID_OPTIONS', `${file.url} is another node's`);
      const { size, crc32 } = await keepFile(path, homeOf(own.folder, peer), signal);
      onProgress?.(size);
      return { tag: hexOf(crc32), size };
    },
    async identity(file, signal = new AbortController().signal) {
      const peer = parsePeerUrl(file.url);
      const { size, crc32 } = peer;
      if (size !== undefined && crc32 !== undefined) return { tag: hexOf(crc32), size };
      const found =
        own?.manager === peer.manager ? await sizeHere(own.folder, peer) : await sizeThere(peer, signal, ask);
      return found === undefined ? undefined : { tag: `${found}`, size: found };
    },
    list: (folder, signal) => listKept(folder, signal, { own, ask }),
    close: async () => undefined,
  };
}

type Ask = (file: PeerFile, method: 'GET' | 'HEAD', signal: AbortSignal) => ReturnType<typeof askPeer>;

const DELAYS_MS = [0, 100, 500, 2_000];
const BUSY_DELAY_MS = 250;
/** So often a node may have enough to do: five minutes. */
const MOST_BUSY = 1_200;

/** The one node that has it is asked again, unless it says that it has not. */
function keptTries(tries: ReturnType<NextTry> & object): NextTry {
  let failures = 0;
  let busy = 0;
  return (failure) => {
    if (failure?.trouble === 'absent') return undefined;
    if (failure?.trouble === 'busy' && ++busy <= MOST_BUSY) return { ...tries, delayMs: BUSY_DELAY_MS };
    const delayMs = DELAYS_MS[failures++];
    return delayMs === undefined ? undefined : { ...tries, delayMs };
  };
}

/** Makes an `INPUT_LOST` of what a node does not give any more. */
async function losing<T>(peer: PeerFile, signal: AbortSignal, fetch: () => Promise<T>): Promise<T> {
  try {
    return await fetch();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PeerFailure)) throw error;
    if (error.trouble === 'broken' || error.trouble === 'busy') {
      throw new SluiceError('TRANSFER_FAILED', `read ${shownFile(peer)}: ${messageOf(error)}`, { cause: error });
    }
    throw lost(peer, messageOf(error), error);
  }
}

function lost(peer: PeerFile, why: string, cause?: unknown): SluiceError {
  return new SluiceError('INPUT_LOST', `${shownFile(peer)} is lost: ${why}`, { cause });
}

function shownFile(peer: PeerFile): string {
  return `${temporaryUrlOf(peer)}, kept by manager ${peer.manager} at ${peer.host}:${peer.port},`;
}

function homeOf(folder: string, peer: PeerFile): string {
  const segments = segmentsOf(peer.path);
  if (segments !== undefined) return join(folder, ...segments);
  throw new SluiceError('INVALID_OPTIONS', `no file of a node can be named ${JSON.stringify(temporaryUrlOf(peer))}`);
}

async function inPlace(folder: string, peer: PeerFile): Promise<string> {
  const home = homeOf(folder, peer);
  const found = await ifThere(stat(home));
  if (found === undefined) throw lost(peer, 'this node does not have it any more');
  if (peer.size !== undefined && found.size !== peer.size) {
    throw lost(peer, `a task changed it: it has ${found.size} bytes, and had ${peer.size}`);
  }
  return home;
}

async function sizeHere(folder: string, peer: PeerFile): Promise<number | undefined> {
  return (await ifThere(stat(homeOf(folder, peer))))?.size;
}

async function sizeThere(peer: PeerFile, signal: AbortSignal, ask: Ask): Promise<number | undefined> {
  try {
    const response = await ask(peer, 'HEAD', signal);
    response.resume();
    return Number(response.headers[SIZE]);
  } catch (error) {
    if (error instanceof PeerFailure && error.trouble === 'absent') return undefined;
    return losing(peer, signal, () => Promise.reject(error));
  }
}

async function* listKept(
  folder: DataFile,
  signal: AbortSignal,
  { own, ask }: { readonly own: OwnFolder | undefined; readonly ask: Ask },
): AsyncGenerator<ListedFile> {
  const peer = parsePeerUrl(folder.url);
  if (own?.manager === peer.manager) {
    const here = new DataFile(`${pathToFileURL(homeOf(own.folder, peer)).href}/`);
    for await (const { file, identity } of listFolder(here.path, signal)) {
      yield { file: childOf(folder, relativeName(here, file)), identity };
    }
    return;
  }
  const rows = await losing(peer, signal, async () => {
    const response = await ask(peer, 'GET', signal);
    let text = '';
    response.setEncoding('utf8');
    for await (const chunk of response) text += chunk;
    return JSON.parse(text) as readonly [name: string, size: number, tag: string][];
  });
  for (const [name, size, tag] of rows) yield { file: childOf(folder, name), identity: { size, tag } };
}
