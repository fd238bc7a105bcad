import type { TaskEnvelope } from '../../wire/task-envelope.js';
import { CLIENT_PART } from './value-spill.js';

/** Files whose makers are remembered, at most. */
const MOST_FILES = 20_000;
/** What a file counts as, whose size nobody has told. */
const FILE_BYTES = 2 ** 20;
/** Managers named for a task, at most. */
const MOST_NEAR = 4;

/**
 * Knows on which manager's node values and files were made: its workers have them in their caches, or on its disk, and
 * need not fetch them. A large value's URL says it; makers of files are remembered, the latest ones.
 */
export class Whereabouts {
  readonly #values: string | undefined;
  readonly #makers = new Map<string, string>();

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
    for (const oldest of this.#makers.keys()) {
      if (this.#makers.size <= MOST_FILES) return;
      this.#makers.delete(oldest);
    }
  }

  /** Ids of the managers that have most of what a task reads, the best first; `undefined` for none. They may be gone. */
  nearOf({ slots, files }: TaskEnvelope): readonly string[] | undefined {
    if (slots.length === 0 && files.length === 0) return undefined;
    const bytes = new Map<string, number>();
    const add = (manager: string | undefined, size: number): void => {
      if (manager !== undefined) bytes.set(manager, (bytes.get(manager) ?? 0) + size);
    };
    for (const slot of slots) if (slot.kind === 'reference') add(this.#makerOf(slot.url), slot.size);
    for (const url of files) add(this.#makers.get(url), FILE_BYTES);
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
