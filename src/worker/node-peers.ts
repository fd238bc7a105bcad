import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CopySource } from '../data/bring-input.js';
import type { PeerCopies } from '../data/peers/peer-copies.js';
import { keptUrl, parsePeerUrl, peerUrl, segmentsOf } from '../data/peers/peer-url.js';
import type { FileIdentity } from '../data/staging.js';
import { SluiceError } from '../errors.js';
import type { PeerPlace, WorkerPeers } from '../wire/pilot/peers.js';
import type { TaskEnvelope } from '../wire/task-envelope.js';

/** What a worker process has to do with other nodes. */
export interface NodePeersParts {
  readonly peers: WorkerPeers;
  /** Asked when somebody may have an input, and not before: most tasks need nothing of it. */
  readonly openCopies: () => Promise<PeerCopies>;
  /** Asks where files are kept, and how others find them; once is enough. */
  readonly askPlace: () => Promise<PeerPlace>;
  /** A file is kept. `path`: as it stands in URLs. */
  readonly onKept: (path: string, bytes: number) => void;
}

/** URLs of this node's places for `temp:` files, by theirs. */
export type Homes = Readonly<Record<string, string>>;

/** Of a task that has no such outputs. */
export const NO_HOMES: Homes = {};

/** Files of which it is remembered that others know they are here, at most. */
const MOST_TOLD = 20_000;

/** Keeps `temp:` files of its tasks on this node, and finds inputs on others. */
export class NodePeers {
  readonly #parts: NodePeersParts;
  #place: Promise<PeerPlace> | undefined;
  #copies: Promise<PeerCopies> | undefined;
  readonly #told = new Set<string>();
  #news: number[] = [];

  constructor(parts: NodePeersParts) {
    this.#parts = parts;
  }

  /**
   * Places on this node for those of the URLs that are `temp:` and have none yet; no other attempt has the same.
   *
   * @throws {SluiceError} `INVALID_OPTIONS` for a name that no file can have, `SERVICE_FAILED` where this node cannot serve files
   */
  async homesFor(urls: readonly string[], { taskId, attempt, relayed }: TaskEnvelope): Promise<Homes> {
    const homeless = urls.filter((url) => url.startsWith(TEMP) && relayed?.[url] === undefined);
    if (homeless.length === 0) return NO_HOMES;
    const names = homeless.map((url) => [url, nameOf(url)] as const);
    const place = await this.#askPlace();
    const run = this.#parts.peers.access?.run;
    const folder = `${taskId}-${attempt}-${randomUUID().slice(0, 8)}`;
    const homeOf = (name: string) =>
      peerUrl({ ...place, path: `${folder}/${name}`, ...(run !== undefined && { run }) });
    return Object.fromEntries(names.map(([url, name]) => [url, homeOf(name)]));
  }

  /** Keeps the files that are in their homes now, and answers what others need to find them by. */
  keep(homes: Homes, identities: ReadonlyMap<string, FileIdentity | undefined>): Homes {
    const found = Object.entries(homes).map(([url, home]) => {
      const identity = identities.get(url);
      this.#parts.onKept(parsePeerUrl(home).path, identity?.size ?? 0);
      return [url, keptUrl(home, identity)] as const;
    });
    return Object.fromEntries(found);
  }

  /** Removes what is in the homes of an attempt that failed. Never rejects: what cannot go now goes at the close. */
  async discard(homes: Homes): Promise<void> {
    const { folder } = await this.#askPlace();
    const attempts = new Set(Object.values(homes).map((home) => parsePeerUrl(home).path.split('/', 1)[0] as string));
    for (const attempt of attempts) await rm(join(folder, attempt), { recursive: true, force: true }).catch(() => {});
  }

  /** Who else may have the content of a file; `undefined` where nodes do not serve their caches. */
  elsewhere({ copies = {} }: TaskEnvelope): ((url: string) => CopySource | undefined) | undefined {
    if (!this.#parts.peers.servesCached) return undefined;
    return (url) => {
      const nodes = Object.hasOwn(copies, url) ? copies[url] : undefined;
      return nodes && (async (content, target) => (await this.#openCopies()).fetch(content, nodes, target));
    };
  }

  #askPlace(): Promise<PeerPlace> {
    this.#place ??= this.#parts.askPlace();
    // Another time it may be told.
    this.#place.catch(() => {
      this.#place = undefined;
    });
    return this.#place;
  }

  #openCopies(): Promise<PeerCopies> {
    this.#copies ??= this.#parts.openCopies();
    return this.#copies;
  }

  /** An attempt had these of its files from the node's cache, by URL. */
  hasRead({ files, relayed }: TaskEnvelope, held: ReadonlySet<string>): void {
    if (!this.#parts.peers.servesCached || held.size === 0) return;
    for (const [index, url] of files.entries()) {
      const source = relayed?.[url] ?? url;
      if (!held.has(url) || this.#told.has(source)) continue;
      if (this.#told.size >= MOST_TOLD) this.#told.clear();
      this.#told.add(source);
      this.#news.push(index);
    }
  }

  /** Indexes of files, of the attempt that ended last, that nobody has been told of yet; `undefined` for none. */
  takeNews(): readonly number[] | undefined {
    if (this.#news.length === 0) return undefined;
    const news = this.#news;
    this.#news = [];
    return news;
  }
}

const TEMP = 'temp:';

// `temp:` URLs are percent-encoded, or may be; a `?` or a `#` in one is a part of the name.
function nameOf(url: string): string {
  const path = url.slice(TEMP.length);
  const segments = segmentsOf(path);
  if (segments === undefined) throw new SluiceError('INVALID_OPTIONS', `no file of a node can be named ${url}`);
  return segments.map(encodeURIComponent).join('/') + (path.endsWith('/') ? '/' : '');
}
