import { SluiceError } from '../errors.js';
import { encodeError } from '../wire/error-codec.js';
import type { Outcome } from '../wire/outcome.js';
import { packOutcome, unpackEnvelope } from '../wire/pilot/envelope-parts.js';
import type { PilotTask } from '../wire/pilot/pilot-task.js';
import type { AppCode, TaskEnvelope } from '../wire/task-envelope.js';
import type { SlotsGrant, WorkerOrder, WorkerReport, WorkerSetup } from '../wire/worker/worker-message.js';
import type { AnswerBox } from './answer-box.js';
import type { Backends } from './backends.js';
import type { Leftovers } from './leftovers.js';
import type { NodePeers } from './node-peers.js';
import { applyGrant } from './slots-grant.js';
import { needsSpill, packWithin, placeOf } from './spill.js';
import type { TaskRunner } from './task-runner.js';
import type { UncaughtGuard } from './uncaught-guard.js';

/** What a line works with. */
export interface LineParts {
  readonly setup: WorkerSetup;
  readonly backends: Backends;
  readonly runner: TaskRunner;
  readonly guard: UncaughtGuard;
  readonly leftovers: Leftovers;
  readonly answers: AnswerBox;
  /** Absent where nodes give each other nothing. */
  readonly peers: NodePeers | undefined;
  readonly codeOf: (code: number) => AppCode;
  readonly send: (report: WorkerReport) => void;
  readonly claim: (sequence: number) => void;
}

interface Entry {
  readonly sequence: number;
  readonly task: PilotTask;
  readonly grant: SlotsGrant | undefined;
}

/** A task that has run, and may have left something. */
interface Ended {
  readonly envelope: TaskEnvelope;
  readonly outcome: Outcome;
  readonly tookMs: number;
}

/** The tasks of a worker process, which runs them one after the other, and yields to the event loop between them. */
export class TaskLine {
  readonly #parts: LineParts;
  #waiting: Entry[] = [];
  #running: { readonly key: number; readonly stop: AbortController | undefined } | undefined;
  #isAtWork = false;
  #isSpent = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  /** Key of the task that runs. */
  get running(): number | undefined {
    return this.#running?.key;
  }

  add({ first, tasks, grant }: WorkerOrder & { kind: 'run' }): void {
    for (const [index, task] of tasks.entries()) this.#waiting.push({ sequence: first + index, task, grant });
    if (this.#isSpent) this.#parts.send({ kind: 'returned', keys: this.#giveBack(() => true) });
    else if (!this.#isAtWork) void this.#work();
  }

  revoke(keys: readonly number[]): void {
    const wanted = new Set(keys);
    this.#parts.send({ kind: 'returned', keys: this.#giveBack((key) => wanted.has(key)) });
  }

  stop(key: number): void {
    if (this.#running?.key === key) this.#running.stop?.abort(new SluiceError('CANCELLED', 'the task was stopped'));
  }

  #giveBack(isMeant: (key: number) => boolean): number[] {
    const keys: number[] = [];
    this.#waiting = this.#waiting.filter(({ task: { key } }) => {
      const stays = !isMeant(key);
      if (!stays) keys.push(key);
      return stays;
    });
    return keys;
  }

  async #work(): Promise<void> {
    const { answers, leftovers, claim } = this.#parts;
    this.#isAtWork = true;
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      if (this.#waiting.length > 0 || !answers.isEmpty) claim(entry.sequence);
      const ended = await this.#runOne(entry);
      // Who waits for the answer of the last one does not wait for a look at what it left.
      if (this.#waiting.length === 0) answers.flush();
      if (ended !== undefined && leftovers.after(ended.envelope, ended.outcome, ended.tookMs)) {
        this.#endSpent();
        return;
      }
      if (this.#waiting.length > 0) answers.flushSoon();
    }
    this.#isAtWork = false;
  }

  #endSpent(): void {
    this.#isSpent = true;
    this.#parts.answers.flush();
    this.#parts.send({ kind: 'spent', keys: this.#giveBack(() => true) });
  }

  async #runOne({ task, grant }: Entry): Promise<Ended | undefined> {
    const { answers, setup, backends, codeOf } = this.#parts;
    const startedMs = performance.now();
    // Only commands can be asked to stop: a signal costs more than a small task does.
    const stop = isCommand(codeOf, task) ? new AbortController() : undefined;
    this.#running = { key: task.key, stop };
    let app = '';
    try {
      const unpacked = unpackEnvelope(task.parts, codeOf(task.code), backends.fetch);
      const envelope = unpacked instanceof Promise ? await unpacked : unpacked;
      app = envelope.app.name;
      const outcome = await this.#perform(envelope, stop?.signal, grant);
      const place = placeOf(envelope, setup, this.#parts.peers?.takeNews());
      const parts = needsSpill(outcome, setup)
        ? await packWithin(outcome, envelope, { setup, backends, place })
        : packOutcome(outcome, place);
      answers.add({ key: task.key, kind: 'outcome', parts }, outcome.usage.runMs);
      return { envelope, outcome, tookMs: performance.now() - startedMs };
    } catch (error) {
      answers.add({ key: task.key, kind: 'failure', parts: [encodeError(error, { app })] }, 0);
      return undefined;
    } finally {
      this.#running = undefined;
    }
  }

  #perform(envelope: TaskEnvelope, signal: AbortSignal | undefined, grant: SlotsGrant | undefined): Promise<Outcome> {
    const { guard, runner } = this.#parts;
    const takeBack = grant && applyGrant(grant);
    const performed = guard.run(async () => {
      const outcome = await runner.run(envelope, { signal });
      // An error that the app left uncaught shows on the next turn of the event loop: it must not hit the next task.
      await nextTurn();
      return outcome;
    });
    return takeBack === undefined ? performed : performed.finally(takeBack);
  }
}

function isCommand(codeOf: LineParts['codeOf'], { code }: PilotTask): boolean {
  return codeOf(code).kind === 'bash';
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
