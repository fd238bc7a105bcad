import type { ManagerInfo } from '../../wire/pilot/messages.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import { CLIENT_PART } from './value-spill.js';

/** Files whose makers are remembered, at most. */
const MOST_FILES = 20_000;
/** What a file counts as, whose size nobody has told. */
const FILE_BYTES = 2 ** 20;
/** Managers named for a task, at most. */
const MOST_NEAR = 4;
/** Managers that are remembered to have a file, at most. */
const MOST_READERS = 32;
/** Managers named for a file, at most: a node asks one after the other. */
const MOST_COPIES = 4;
/** A file that a manager keeps: its URL says whose it is, and how long. */
const KEPT = /^peer:\/\/([^@/]+)@[^/]+\/[^/]+\/(?:(\d+)-[0-9a-f]+)?/;

/**
 * Knows on which manager's node values and files were made: its workers have them in their caches, or on its disk, and
 * need not fetch them. A large value's URL says it; makers of files are remembered, the latest ones.
 */
export class Whereabouts {
  readonly #values: string | undefined;
  readonly #makers = new Map<string, string>();
  /** Ids of the managers that have a file's content in their caches, the latest last, by where it is fetched from. */
  readonly #readers = new Map<string, readonly string[]>();
  /** `peer:` URLs of the managers that are there and serve theirs. */
  #peers: ReadonlyMap<string, string> = new Map();

  /** @param valuesUrl where managers put large values, each in a part of its own */
  constructor(valuesUrl: string | undefined) {
    this.#values = valuesUrl === undefined ? undefined : `${valuesUrl}/`;
  }

  /** A task that ended well on a manager wrote these. */
  made(urls: readonly string[], manager: string): void {
    for (const url of urls) {
      this.#makers.delete(url);
      this.#makers.set(url, manager);
    }
    forgetOldest(this.#makers);
  }

  /** A task that ended well on a manager has left these in its node's cache. */
  read(urls: readonly string[], manager: string): void {
    for (const url of urls) {
      const others = (this.#readers.get(url) ?? []).filter((id) => id !== manager);
      this.#readers.delete(url);
      this.#readers.set(url, [...others, manager].slice(-MOST_READERS));
    }
    forgetOldest(this.#readers);
  }

  /** These are the managers that are there. */
  see(managers: readonly Pick<ManagerInfo, 'id' | 'peer'>[]): void {
    const serving = managers.flatMap(({ id, peer }) => (peer === undefined ? [] : [[id, peer] as const]));
    this.#peers = new Map(serving);
  }

  /** Of each file a task has to fetch, `peer:` URLs of a few managers that may have it, in no order; `undefined` for none. */
  copiesOf({ files, relayed }: TaskEnvelope): TaskEnvelope['copies'] {
    if (this.#peers.size === 0) return undefined;
    const copies = new Map<string, readonly string[]>();
    for (const url of files) {
      const readers = this.#readers.get(sourceOf(url, relayed)) ?? [];
      const nodes = readers.flatMap((id) => this.#peers.get(id) ?? []);
      if (nodes.length > 0) copies.set(url, someOf(nodes));
    }
    return copies.size === 0 ? undefined : Object.fromEntries(copies);
  }

  /** Ids of the managers that have most of what a task reads, the best first; `undefined` for none. They may be gone. */
  nearOf({ slots, files, relayed }: TaskEnvelope): readonly string[] | undefined {
    if (slots.length === 0 && files.length === 0) return undefined;
    const bytes = new Map<string, number>();
    const add = (manager: string | undefined, size: number): void => {
      if (manager !== undefined) bytes.set(manager, (bytes.get(manager) ?? 0) + size);
    };
    for (const slot of slots) if (slot.kind === 'reference') add(this.#makerOf(slot.url), slot.size);
    for (const url of files) {
      const source = sourceOf(url, relayed);
      const [, keeper, size] = KEPT.exec(source) ?? [];
      if (keeper !== undefined) add(decodeURIComponent(keeper), Number(size ?? FILE_BYTES));
      const holders = new Set([this.#makers.get(url), ...(this.#readers.get(source) ?? [])]);
      for (const holder of holders) add(holder, FILE_BYTES);
    }
    if (bytes.size === 0) return undefined;
    const ranked = [...bytes].sort(([, a], [, b]) => b - a);
    return ranked.slice(0, MOST_NEAR).map(([manager]) => manager);
  }

  #makerOf(url: string): string | undefined {
    if (this.#values === undefined || !url.startsWith(this.#values)) return undefined;
    const [part] = url.slice(this.#values.length).split('/', 1);
    return part === CLIENT_PART ? undefined : part;
  }
}

/** Where the files of a task are fetched from, in its order. */
export function sourcesOf({ files, relayed }: TaskEnvelope): readonly string[] {
  return relayed === undefined ? files : files.map((url) => sourceOf(url, relayed));
}

/** Where a file is fetched from. */
function sourceOf(url: string, relayed: TaskEnvelope['relayed']): string {
  return relayed !== undefined && Object.hasOwn(relayed, url) ? (relayed[url] as string) : url;
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= MOST_FILES) return;
    map.delete(oldest);
  }
}

// Each task gets others of them, so that no node has all the askers.
function someOf(nodes: readonly string[]): readonly string[] {
  const left = [...nodes];
  const chosen: string[] = [];
  while (chosen.length < MOST_COPIES && left.length > 0) {
    chosen.push(...left.splice(Math.floor(Math.random() * left.length), 1));
  }
  return chosen;
}
