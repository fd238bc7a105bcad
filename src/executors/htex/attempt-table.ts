import { SluiceError } from '../../errors.js';
import { withKept } from '../../run-bucket/temporary-places.js';
import { decodeError } from '../../wire/error-codec.js';
import type { Outcome } from '../../wire/outcome.js';
import { packEnvelope, unpackResult } from '../../wire/pilot/envelope-parts.js';
import type { ClientMessage } from '../../wire/pilot/messages.js';
import type { PilotResult, PilotTask, TaskNeeds } from '../../wire/pilot/pilot-task.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { Abortable, OutcomeReceiver } from '../executor.js';
import type { Cargo, Carriage } from './carriage.js';
import { CodeBook } from './code-book.js';
import { Outbox } from './outbox.js';
import { type AttemptOwner, PilotAttempt } from './pilot-attempt.js';
import { sourcesOf, type Whereabouts } from './whereabouts.js';

export interface AttemptTableParts {
  readonly send: (message: ClientMessage) => void;
  readonly carriage: Carriage;
  /** Absent where it does not matter what managers have. */
  readonly whereabouts: Whereabouts | undefined;
  /** Whether managers are chosen by what they have. */
  readonly choosesNear: boolean;
  /** The largest part of a task that may travel. */
  readonly maxMessageBytes: number;
  /** The last attempt that was under way is over. */
  readonly onIdle: () => void;
}

/** The attempts that an executor has under way: sends them off, and gives each its one answer. */
export class AttemptTable implements AttemptOwner {
  readonly #parts: AttemptTableParts;
  readonly #underWay = new Map<number, PilotAttempt>();
  readonly #codes: CodeBook;
  readonly #outbox: Outbox;
  #nextKey = 0;
  #slots = 0;

  constructor(parts: AttemptTableParts) {
    this.#parts = parts;
    this.#codes = new CodeBook((code) => parts.send({ kind: 'code', ...code }));
    this.#outbox = new Outbox((tasks) => parts.send({ kind: 'tasks', tasks, again: false }));
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** Slots that all of them take. */
  get slots(): number {
    return this.#slots;
  }

  /** @param slots as far as known: for scaling */
  dispatch(envelope: TaskEnvelope, receiver: OutcomeReceiver, slots: number): Abortable {
    const attempt = new PilotAttempt(this.#nextKey++, slots, receiver, this);
    this.#underWay.set(attempt.key, attempt);
    this.#slots += slots;
    if (this.#parts.carriage.isNeeded(envelope)) void this.#carry(attempt, envelope);
    else this.#dispatch(attempt, envelope, undefined);
    return attempt;
  }

  /** Tells an interchange that knows nothing all there is to know; managers may have some of the tasks. */
  introduce(): void {
    for (const code of this.#codes.codes) this.#parts.send({ kind: 'code', ...code });
    this.#outbox.flush();
    const tasks = [...this.#underWay.values()].flatMap(({ task }) => task ?? []);
    for (let at = 0; at < tasks.length; at += AGAIN_AT_A_TIME) {
      this.#parts.send({ kind: 'tasks', tasks: tasks.slice(at, at + AGAIN_AT_A_TIME), again: true });
    }
  }

  settle(results: readonly PilotResult[]): void {
    for (const { key, kind, parts } of results) {
      const attempt = this.#underWay.get(key);
      // One that was withdrawn meanwhile, or has been told twice, after the end of an interchange.
      if (attempt?.task === undefined) continue;
      attempt.task = undefined;
      try {
        if (kind === 'failure') attempt.fail(decodeError(parts[0] as Uint8Array));
        else this.#finish(attempt, parts);
      } catch (error) {
        attempt.fail(error);
      }
    }
  }

  /** Ends all with one error; they are cancelled wherever they are. */
  failAll(error: unknown): void {
    const attempts = [...this.#underWay.values()];
    this.#outbox.flush();
    const keys = attempts.filter(({ task }) => task !== undefined).map(({ key }) => key);
    if (keys.length > 0) this.#parts.send({ kind: 'cancel', keys });
    for (const attempt of attempts) attempt.fail(error);
  }

  withdraw({ key, task }: PilotAttempt): void {
    if (task === undefined) return;
    this.#outbox.flush();
    this.#parts.send({ kind: 'cancel', keys: [key] });
  }

  over({ key, slots, cargo }: PilotAttempt): void {
    if (!this.#underWay.delete(key)) return;
    this.#slots -= slots;
    if (cargo !== undefined) this.#parts.carriage.forget(cargo);
    if (this.#underWay.size === 0) this.#parts.onIdle();
  }

  async #carry(attempt: PilotAttempt, envelope: TaskEnvelope): Promise<void> {
    const { carriage } = this.#parts;
    try {
      const cargo = await carriage.send(envelope, attempt.key, attempt.signal);
      if (attempt.isOver) return carriage.forget(cargo);
      attempt.cargo = cargo;
      this.#dispatch(attempt, cargo.envelope, cargo.callAt);
    } catch (error) {
      attempt.fail(error);
    }
  }

  #finish(attempt: PilotAttempt, parts: readonly Uint8Array[]): void {
    const { outcome: answer, manager, read = [] } = unpackResult(parts);
    const { cargo, outputs, sources } = attempt;
    const outcome = cargo === undefined ? answer : withKept(answer, cargo.envelope);
    if (manager !== undefined && outcome.kind === 'value') this.#parts.whereabouts?.made(outputs, manager);
    if (manager !== undefined && read.length > 0) {
      this.#parts.whereabouts?.read(
        read.flatMap((index) => sources[index] ?? []),
        manager,
      );
    }
    if (cargo === undefined || Object.keys(cargo.outputs).length === 0) attempt.end(outcome);
    else void this.#receive(attempt, cargo, outcome);
  }

  async #receive(attempt: PilotAttempt, cargo: Cargo, outcome: Outcome): Promise<void> {
    try {
      await this.#parts.carriage.receive(cargo, outcome, attempt.signal);
      attempt.end(outcome);
    } catch (error) {
      attempt.fail(error);
    }
  }

  #dispatch(attempt: PilotAttempt, envelope: TaskEnvelope, callAt: string | undefined): void {
    const { whereabouts, choosesNear } = this.#parts;
    const near = choosesNear ? whereabouts?.nearOf(envelope) : undefined;
    const needs = needsOf(envelope);
    const copies = whereabouts?.copiesOf(envelope);
    if (whereabouts !== undefined) {
      attempt.outputs = envelope.outputs;
      attempt.sources = sourcesOf(envelope);
    }
    const task: PilotTask = {
      key: attempt.key,
      priority: envelope.priority ?? 0,
      needs: near === undefined ? needs : { ...needs, near },
      code: this.#codes.numberOf(envelope.app),
      parts: packEnvelope(copies === undefined ? envelope : { ...envelope, copies }, callAt),
    };
    const most = this.#parts.maxMessageBytes;
    const large = task.parts.find((part) => part.byteLength > most);
    if (large !== undefined) {
      attempt.fail(tooLarge(envelope, large.byteLength, most));
      return;
    }
    attempt.task = task;
    this.#outbox.add(task);
  }
}

const AGAIN_AT_A_TIME = 256;

function tooLarge({ taskId, app }: TaskEnvelope, bytes: number, most: number): SluiceError {
  return new SluiceError(
    'NOT_SENDABLE',
    `task ${taskId} '${app.name}' has an argument of ${bytes} bytes, and messages to its executor may have ${most}: pass files, lower spillBytes, or raise maxMessageBytes`,
  );
}

/** What an envelope asks of the place it runs in; `undefined` for nothing special. */
export function needsOf({ resources, walltimeMs }: TaskEnvelope): TaskNeeds | undefined {
  if (resources === undefined && walltimeMs === undefined) return undefined;
  return { ...resources, ...(walltimeMs !== undefined && { walltimeMs }) };
}
