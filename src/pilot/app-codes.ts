import { decode } from '../wire/codec.js';
import type { AppCode } from '../wire/task-envelope.js';
import type { WorkerOrder } from '../wire/worker/worker-message.js';

/** The code of apps, by number, and which of it each worker has. */
export class AppCodes {
  readonly #codes = new Map<number, { readonly bytes: Uint8Array; readonly app: AppCode }>();
  /** Numbers of the code that each worker has. */
  readonly #given: readonly Set<number>[];

  constructor(workers: number) {
    this.#given = Array.from({ length: workers }, () => new Set());
  }

  add(code: number, bytes: Uint8Array): void {
    this.#codes.set(code, { bytes, app: decode(bytes) as AppCode });
  }

  has(code: number): boolean {
    return this.#codes.has(code);
  }

  /** For code that it has. */
  appOf(code: number): AppCode {
    return this.#codes.get(code)?.app as AppCode;
  }

  /** '' where it is not known. */
  nameOf(code: number): string {
    return this.#codes.get(code)?.app.name ?? '';
  }

  /** What a worker has to be told before a task of this code, unless it has been. */
  orderFor(worker: number, code: number): WorkerOrder | undefined {
    const given = this.#given[worker] as Set<number>;
    if (given.has(code)) return undefined;
    given.add(code);
    return { kind: 'code', code, bytes: this.#codes.get(code)?.bytes as Uint8Array };
  }

  /** A worker is a new process, which has none. */
  startedAnew(worker: number): void {
    this.#given[worker]?.clear();
  }
}
