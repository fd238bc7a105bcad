import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { SluiceError } from '../../errors.js';
import type { Outcome } from '../../wire/outcome.js';
import { attemptName, type TaskEnvelope } from '../../wire/task-envelope.js';
import type { Executor, ExecutorCapabilities, ExecutorLoad, RunContext } from '../executor.js';
import { PriorityQueue } from '../priority-queue.js';
import { createProcessGroups, type ProcessGroups } from './process-groups.js';
import { createStoppable, type Stoppable } from './stoppable.js';
import { threadFailure } from './thread-failure.js';
import {
  type ResolvedThreadPoolOptions,
  resolveThreadPoolOptions,
  type ThreadPoolOptions,
} from './thread-pool-options.js';

interface Waiting {
  readonly envelope: TaskEnvelope;
  readonly signal: AbortSignal;
  readonly start: () => void;
}

/** Says that a thread has done its task, and has to be ended before it gets another one. */
interface SpentMessage {
  readonly kind: 'spent';
  readonly attempt: string;
  readonly outcome: Outcome;
}

/**
 * Runs tasks on threads of the client's process. An abort or a walltime ends the thread a function runs on, and the
 * process group of a command; native memory and aborts of the process are not contained. A function that leaves a timer
 * running loses its thread, so that the next task does not feel it: that costs as much as starting one.
 */
export class ThreadPoolExecutor implements Executor {
  readonly label: string;
  readonly capabilities: ExecutorCapabilities = {
    sharesProject: true,
    sharesFilesystem: true,
    isolation: 'thread',
    cancelRunning: true,
    resources: [],
  };
  readonly #options: ResolvedThreadPoolOptions;
  readonly #queue = new PriorityQueue<Waiting>();
  #pool: Piscina | undefined;
  #groups: ProcessGroups | undefined;
  #scratchRoot = '';
  readonly #running = new Map<string, Stoppable>();
  #closing = false;

  /** @throws {SluiceError} `INVALID_OPTIONS` */
  constructor(options: ThreadPoolOptions = {}) {
    this.#options = resolveThreadPoolOptions(options);
    this.label = this.#options.label;
  }

  /** @throws {SluiceError} `INVALID_OPTIONS` when it has been started before: a pool serves one kernel, once */
  async start(run: RunContext): Promise<void> {
    if (this.#pool !== undefined || this.#closing) throw startedBefore(this.label);
    const { maxThreads, maxHeapMiB } = this.#options;
    const { Piscina } = await import('piscina');
    this.#scratchRoot = join(run.runDir, 'scratch', this.label);
    this.#groups = createProcessGroups();
    this.#pool = new Piscina({
      filename: threadMain(),
      minThreads: 0,
      maxThreads,
      idleTimeout: 60_000,
      workerData: { scratchRoot: this.#scratchRoot },
      ...(maxHeapMiB !== undefined && { resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB } }),
    });
    this.#pool.on('message', this.#groups.onMessage);
    this.#pool.on('message', (message: Partial<SpentMessage>) => {
      if (message.kind === 'spent') this.#running.get(message.attempt as string)?.finish(message.outcome as Outcome);
    });
    // A thread that fails between tasks is replaced; without a listener it would end the client's process.
    this.#pool.on('error', () => {});
  }

  submit(envelope: TaskEnvelope, { signal }: { readonly signal: AbortSignal }): Promise<Outcome> {
    if (this.#pool === undefined || this.#closing) return Promise.reject(notRunning(this.label));
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#running.size < this.#options.maxThreads) return this.#run(envelope, signal);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        envelope,
        signal,
        start: () => {
          signal.removeEventListener('abort', giveUp);
          this.#run(envelope, signal).then(resolve, reject);
        },
      };
      const giveUp = (): void => {
        this.#queue.remove(waiting);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#queue.push(waiting, envelope.priority ?? 0);
    });
  }

  load(): ExecutorLoad {
    return { outstanding: this.#running.size + this.#queue.size, capacity: this.#options.maxThreads };
  }

  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    if (this.#pool === undefined) return;
    const pool = this.#pool;
    this.#closing = true;
    const stopAll = (): void => {
      for (const task of this.#running.values()) task.stop(notRunning(this.label));
    };
    const timer = setTimeout(stopAll, graceMs);
    while (this.#running.size > 0) await new Promise<void>((resolve) => pool.once('sluice:idle', resolve));
    clearTimeout(timer);
    this.#pool = undefined;
    await pool.destroy();
    this.#groups?.close();
    await rm(this.#scratchRoot, { recursive: true, force: true });
  }

  async #run(envelope: TaskEnvelope, signal: AbortSignal): Promise<Outcome> {
    const pool = this.#pool as Piscina;
    const link = needsLink(envelope) ? new MessageChannel() : undefined;
    const name = attemptName(envelope);
    const task = createStoppable(envelope, () => link?.port1.postMessage('stop'));
    const onAbort = (): void => task.stop(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    link?.port1.once('message', task.started);
    this.#running.set(name, task);
    try {
      return await runOnThread(pool, envelope, task, link?.port2);
    } finally {
      this.#running.delete(name);
      signal.removeEventListener('abort', onAbort);
      task.over();
      link?.port1.close();
      this.#groups?.endAllOf(envelope);
      if (this.#queue.size > 0) this.#queue.shift()?.start();
      else if (this.#running.size === 0) pool.emit('sluice:idle');
    }
  }
}

async function runOnThread(
  pool: Piscina,
  envelope: TaskEnvelope,
  task: Stoppable,
  link: MessagePort | undefined,
): Promise<Outcome> {
  try {
    const transferList = link === undefined ? [] : [link];
    const outcome: Outcome = await pool.run({ envelope, link }, { signal: task.terminate, transferList });
    if (task.reason === undefined || outcome.kind === 'value') return outcome;
  } catch (error) {
    if (task.outcome !== undefined && task.reason === undefined) return task.outcome;
    throw threadFailure(error, envelope, task.reason);
  }
  throw task.reason;
}

// A command has to be asked to stop, and a walltime counts from the start: other tasks need no word with their thread.
function needsLink(envelope: TaskEnvelope): boolean {
  return envelope.app.kind === 'bash' || envelope.walltimeMs !== undefined;
}

// Threads run as built, whether this file does (dist) or its source (under a TypeScript runner).
function threadMain(): string {
  return createRequire(import.meta.url).resolve('#worker/thread');
}

function startedBefore(label: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `executor '${label}' has been started before: make a new ThreadPoolExecutor for each kernel`,
  );
}

function notRunning(label: string): SluiceError {
  return new SluiceError('WORKER_LOST', `executor '${label}' is not running`);
}
