import { parsePeerUrl } from '../../data/peers/peer-url.js';
import type { ClientMessage } from '../../wire/pilot/messages.js';

/** What is dropped within such a time goes together. */
const TOGETHER_MS = 50;

/** Kept files that nobody needs any more, on their way to the managers that have them. */
export class KeptDrops {
  readonly #send: (message: ClientMessage) => void;
  #paths = new Map<string, string[]>();
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (message: ClientMessage) => void) {
    this.#send = send;
  }

  /** @param urls of `peer:`; others are nobody's here */
  add(urls: readonly string[]): void {
    for (const url of urls) {
      if (!url.startsWith('peer:')) continue;
      const { manager, path } = parsePeerUrl(url);
      const paths = this.#paths.get(manager);
      if (paths === undefined) this.#paths.set(manager, [path]);
      else paths.push(path);
    }
    if (this.#paths.size > 0) this.#timer ??= setTimeout(() => this.#flush(), TOGETHER_MS);
  }

  /** What has not been said need not be: managers end, and what they keep with them. */
  close(): void {
    clearTimeout(this.#timer);
    this.#paths.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    const dropped = this.#paths;
    this.#paths = new Map();
    for (const [manager, paths] of dropped) {
      for (let at = 0; at < paths.length; at += PATHS_AT_A_TIME) {
        this.#send({ kind: 'drop', manager, paths: paths.slice(at, at + PATHS_AT_A_TIME) });
      }
    }
  }
}

/** In one message, which has its largest size. */
const PATHS_AT_A_TIME = 1_000;
