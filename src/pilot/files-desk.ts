import { messageOf } from '../errors.js';
import type { KeptFiles } from '../wire/pilot/messages.js';
import type { WorkerOrder } from '../wire/worker/worker-message.js';
import type { NodeFiles } from './node-files.js';
import { claimScratch } from './scratch-folder.js';
import type { FilesReport } from './task-desk.js';

/** What is kept is told after so long, so that many changes make few messages. */
const TELL_MS = 500;

export interface FilesDeskParts {
  /** The manager's. */
  readonly scratchRoot: string;
  /** Called with what is kept, after it has changed. */
  tell(kept: KeptFiles): void;
}

/** What a manager hears and says of its node's files. */
export class FilesDesk {
  readonly #files: NodeFiles;
  readonly #parts: FilesDeskParts;
  #address: string | undefined;
  #peer: string | undefined;
  #isReached = false;
  #telling: NodeJS.Timeout | undefined;

  constructor(files: NodeFiles, parts: FilesDeskParts) {
    this.#files = files;
    this.#parts = parts;
  }

  /** Whether {@link reached} is over. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** URL at which cached inputs are served; `undefined` where they are not. */
  get peer(): string | undefined {
    return this.#peer;
  }

  get kept(): KeptFiles {
    return this.#files.kept;
  }

  /** The interchange has answered at an address: by which of its own this node is reached can be told now. Never rejects. */
  async reached(address: string): Promise<void> {
    this.#address = address;
    try {
      if (this.#files.workerPeers.servesCached) this.#peer = this.#files.urlOf(await this.#files.open(address));
    } catch (error) {
      process.stderr.write(`sluice: this node gives its files to no other one: ${messageOf(error)}\n`);
    }
    this.#isReached = true;
  }

  /** The answer to a worker that is about to keep a file. Never rejects. */
  async place(): Promise<WorkerOrder & { readonly kind: 'place' | 'noPlace' }> {
    try {
      // Who is killed from now on leaves something.
      claimScratch(this.#parts.scratchRoot);
      return { kind: 'place', place: await this.#files.open(this.#address ?? '') };
    } catch (error) {
      return { kind: 'noPlace', reason: messageOf(error) };
    }
  }

  hear(report: FilesReport): void {
    if (report.kind === 'cache') {
      this.#files.addCache(report.entries);
      return;
    }
    this.#files.add(report.path, report.bytes);
    this.#tellSoon();
  }

  drop(paths: readonly string[]): void {
    void this.#files.drop(paths);
    this.#tellSoon();
  }

  async close(): Promise<void> {
    clearTimeout(this.#telling);
    await this.#files.close();
  }

  #tellSoon(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      this.#parts.tell(this.#files.kept);
    }, TELL_MS);
  }
}
