import { messageOf, SluiceError } from '../errors.js';
import { findMarked, type Marks, signalMarked } from '../run/marked-processes.js';
import type { WorkerOrder, WorkerReport, WorkerSetup } from '../wire/worker/worker-message.js';
import { type WorkerEnding, type WorkerLaunch, WorkerProcess } from './worker-process.js';

/** What a pool is made of, and whom it tells. */
export interface WorkerPoolOptions {
  readonly workers: number;
  /** Started at a time, at most: more of them would only be in each other's way. */
  readonly startsAtOnce: number;
  readonly setup: WorkerSetup;
  /** How the next process of a rank is started. */
  launch(rank: number): WorkerLaunch & { readonly marks: Marks };
  onReady(rank: number, pid: number): void;
  onReport(rank: number, report: WorkerReport): void;
  /** A worker that was ready has ended; `reason` is what {@link WorkerPool.kill} was given. The next is started by {@link WorkerPool.start}. */
  onEnd(rank: number, ending: WorkerEnding, reason: unknown): void;
  /** Workers have ended before they were ready, again and again: there will be none. */
  onHopeless(error: SluiceError): void;
}

interface Member {
  readonly process: WorkerProcess;
  readonly marks: Marks;
  readonly late: NodeJS.Timeout;
  isReady: boolean;
  reason: unknown;
}

const MOST_FAILURES = 5;
const FIRST_DELAY_MS = 100;
const READY_MS = 60_000;

/** The worker processes of a manager. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #members = new Map<number, Member>();
  /** Ranks whose next process waits for its turn. */
  readonly #queue: number[] = [];
  readonly #delays = new Set<NodeJS.Timeout>();
  /** Ranks that have had a process that was ready, or failed to be. */
  readonly #tried = new Set<number>();
  #starting = 0;
  /** Ends before being ready, in a row. */
  #failures = 0;
  #isClosing = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Whether every rank has had its first start, well or badly. */
  get isSettled(): boolean {
    return this.#tried.size === this.#options.workers;
  }

  /** Starts the next process of a rank, when its turn comes. */
  start(rank: number): void {
    if (this.#isClosing) return;
    this.#queue.push(rank);
    this.#pump();
  }

  send(rank: number, order: WorkerOrder): void {
    this.#members.get(rank)?.process.send(order);
  }

  /** Ends a worker's process at once. */
  kill(rank: number, reason: unknown): void {
    const member = this.#members.get(rank);
    if (member === undefined) return;
    member.reason ??= reason;
    member.process.kill();
  }

  /** Ends all: those that are busy at once, the others may let go of what they keep for `graceMs`. Nothing of them is left then. */
  async close(graceMs: number, isBusy: (rank: number) => boolean): Promise<void> {
    this.#isClosing = true;
    for (const delay of this.#delays) clearTimeout(delay);
    const marks = [...this.#members.values()].map((member) => member.marks);
    for (const [rank, { process, isReady }] of this.#members) {
      if (isReady && !isBusy(rank)) process.send({ kind: 'end' });
      else process.kill();
    }
    const killAll = setTimeout(() => {
      for (const { process } of this.#members.values()) process.kill();
    }, graceMs);
    if (this.#members.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    clearTimeout(killAll);
    if (marks.length > 0) endMarked(marks);
  }

  #pump(): void {
    while (this.#starting < this.#options.startsAtOnce && !this.#isClosing) {
      const rank = this.#queue.shift();
      if (rank === undefined) return;
      this.#launch(rank);
    }
  }

  #launch(rank: number): void {
    this.#starting += 1;
    const launch = this.#options.launch(rank);
    const process = new WorkerProcess(launch, {
      onReport: (report) => {
        if (report.kind === 'ready') this.#ready(rank);
        else this.#options.onReport(rank, report);
      },
      onEnd: (ending) => this.#ended(rank, ending),
    });
    const late = setTimeout(() => process.kill(), READY_MS);
    this.#members.set(rank, { process, marks: launch.marks, late, isReady: false, reason: undefined });
    process.send({ kind: 'setup', ...this.#options.setup });
  }

  #ready(rank: number): void {
    const member = this.#members.get(rank) as Member;
    clearTimeout(member.late);
    member.isReady = true;
    this.#starting -= 1;
    this.#failures = 0;
    this.#tried.add(rank);
    this.#options.onReady(rank, member.process.pid as number);
    this.#pump();
  }

  #ended(rank: number, ending: WorkerEnding): void {
    const { isReady, reason, marks, late } = this.#members.get(rank) as Member;
    this.#members.delete(rank);
    clearTimeout(late);
    if (this.#isClosing) {
      if (this.#members.size === 0) this.#onEmpty?.();
      return;
    }
    endMarked([marks]);
    if (isReady) this.#options.onEnd(rank, ending, reason);
    else this.#failedToStart(rank, ending);
  }

  #failedToStart(rank: number, ending: WorkerEnding): void {
    this.#starting -= 1;
    this.#failures += 1;
    this.#tried.add(rank);
    if (this.#failures >= MOST_FAILURES) {
      this.#options.onHopeless(cannotStart(ending));
      return;
    }
    const delay = setTimeout(
      () => {
        this.#delays.delete(delay);
        this.start(rank);
      },
      FIRST_DELAY_MS * 2 ** (this.#failures - 1),
    );
    this.#delays.add(delay);
  }
}

// What has left the group of its worker.
function endMarked(marks: readonly Marks[]): void {
  signalMarked(findMarked(marks), 'SIGKILL');
}

function cannotStart({ exitCode, signal, startError, stderrTail }: WorkerEnding): SluiceError {
  const how = startError === undefined ? `ended with ${signal ?? `exit code ${exitCode}`}` : messageOf(startError);
  const tail = stderrTail === '' ? '' : `\nLast lines of its stderr:\n${stderrTail}`;
  return new SluiceError(
    'WORKER_LOST',
    `worker processes cannot be started: ${MOST_FAILURES} in a row ended before they were ready, the last one ${how}${tail}`,
  );
}
