import { type Executor, InputLostError, type Outcome, SluiceError, type TaskEnvelope } from 'sluice';
import type { TemporaryHomes } from '../../../src/data/temporary-homes.js';
import { decode, decodeCall, encode } from '../../../src/wire/codec.js';
import { encodeError } from '../../../src/wire/error-codec.js';

const USAGE = { runMs: 0, stagingMs: 0, where: 'nowhere' };

/** An attempt that has not ended; what becomes of it is for the test to say. */
export interface Pending {
  readonly name: string;
  finish(): void;
  lose(): void;
}

/** Disks without a disk, and executors whose attempts end when they are told. */
export class World {
  /** What is at each place, on the client's disk and on nodes. */
  readonly files = new Map<string, string>();
  readonly pending: Pending[] = [];
  /** Attempts made, by the name of the task. */
  readonly attempts = new Map<string, number>();
  readonly homes: TemporaryHomes = {
    placeFor: (url, { taskId, attempt }) => `file:///${taskId}-${attempt}/${url.slice(5)}`,
    copy: async (from, to) => {
      const text = this.files.get(from);
      if (text === undefined) throw new SluiceError('NOT_FOUND', `${from} is gone`);
      this.files.set(to, text);
    },
    remove: async (urls) => this.#remove(urls),
    close: async () => this.#remove([...this.files.keys()].filter((url) => url.startsWith('file:'))),
  };

  executor(label: string, keepsTemporary: boolean): Executor {
    const capabilities = {
      sharesProject: true,
      sharesFilesystem: !keepsTemporary,
      isolation: 'thread',
      cancelRunning: false,
      resources: [],
      keepsTemporary,
    } as const;
    return {
      label,
      capabilities,
      start: async () => {},
      submit: (envelope) => this.#submit(envelope, keepsTemporary ? `peer://${label}` : undefined),
      load: () => ({ outstanding: 0, capacity: 1 }),
      dropTemporary: (urls) => this.#remove(urls),
      close: async () => {},
    };
  }

  #submit(envelope: TaskEnvelope, keeper: string | undefined): Promise<Outcome> {
    const { args } = decodeCall(envelope.call, { slot: (index) => decodeSlot(envelope, index) });
    const [name, ...inputs] = args as [string, ...{ url: string }[]];
    if (this.pending.some((one) => one.name === name)) throw new Error(`${name} runs twice at a time`);
    this.attempts.set(name, (this.attempts.get(name) ?? 0) + 1);
    return new Promise((resolve, reject) => {
      const over = () => this.pending.splice(this.pending.indexOf(pending), 1);
      const pending: Pending = {
        name,
        finish: () => {
          over();
          resolve(this.#outcome(envelope, name, inputs, keeper));
        },
        // It wrote what it should and was not heard of any more.
        lose: () => {
          over();
          if (keeper === undefined) this.#outcome(envelope, name, inputs, keeper);
          reject(new SluiceError('WORKER_LOST', 'gone'));
        },
      };
      this.pending.push(pending);
    });
  }

  #outcome(envelope: TaskEnvelope, name: string, inputs: readonly { url: string }[], keeper?: string): Outcome {
    const { relayed = {}, outputs, taskId, attempt } = envelope;
    const texts = inputs.map(({ url }) => this.files.get(relayed[url] ?? ''));
    const lost = inputs.filter((_, index) => texts[index] === undefined).map(({ url }) => url);
    if (lost.length > 0) {
      return { kind: 'error', error: encodeError(new InputLostError(lost, 'gone'), { app: name }), usage: USAGE };
    }
    const text = `${name}(${texts.join()})`;
    const kept: Record<string, string> = {};
    for (const url of outputs) {
      const home = keeper === undefined ? relayed[url] : `${keeper}/${taskId}-${attempt}/${url.slice(5)}`;
      if (home === undefined) throw new Error(`${url} was given no place`);
      this.files.set(home, text);
      if (keeper !== undefined) kept[url] = home;
    }
    return { kind: 'value', value: { kind: 'inline', ...encode(text) }, usage: USAGE, kept };
  }

  #remove(urls: readonly string[]): void {
    for (const url of urls) this.files.delete(url);
  }
}

function decodeSlot({ slots }: TaskEnvelope, index: number): unknown {
  const slot = slots[index];
  if (slot?.kind !== 'inline') throw new Error('a slot was not filled');
  return decode(slot.bytes);
}
