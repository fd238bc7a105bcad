import { SluiceError } from '../../errors.js';
import { decodeError } from '../../wire/error-codec.js';
import { packEnvelope, unpackOutcome } from '../../wire/pilot/envelope-parts.js';
import type { ClientMessage } from '../../wire/pilot/messages.js';
import type { PilotResult, PilotTask, TaskNeeds } from '../../wire/pilot/pilot-task.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { Abortable, OutcomeReceiver } from '../executor.js';
import { CodeBook } from './code-book.js';
import { Outbox } from './outbox.js';
import { type AttemptOwner, PilotAttempt } from './pilot-attempt.js';
import type { ValueSpill } from './value-spill.js';

export interface AttemptTableParts {
  readonly send: (message: ClientMessage) => void;
  /** Where calls above `bytes` are written; absent where workers could not read it. */
  readonly spill: { readonly bytes: number; readonly to: ValueSpill } | undefined;
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
    const { spill } = this.#parts;
    if (spill !== undefined && envelope.call.byteLength > spill.bytes) void this.#spill(attempt, envelope, spill.to);
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
      // One that was withdrawn meanwhile.
      if (attempt === undefined) continue;
      try {
        if (kind === 'outcome') attempt.end(unpackOutcome(parts));
        else attempt.fail(decodeError(parts[0] as Uint8Array));
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

  over({ key, slots, spilledTo }: PilotAttempt): void {
    if (!this.#underWay.delete(key)) return;
    this.#slots -= slots;
    if (spilledTo !== undefined) this.#parts.spill?.to.remove(spilledTo);
    if (this.#underWay.size === 0) this.#parts.onIdle();
  }

  async #spill(attempt: PilotAttempt, envelope: TaskEnvelope, spill: ValueSpill): Promise<void> {
    try {
      const url = await spill.put(`call-${attempt.key}`, envelope.call);
      if (attempt.isOver) return spill.remove(url);
      attempt.spilledTo = url;
      this.#dispatch(attempt, envelope, url);
    } catch (error) {
      attempt.fail(error);
    }
  }

  #dispatch(attempt: PilotAttempt, envelope: TaskEnvelope, callAt: string | undefined): void {
    const task: PilotTask = {
      key: attempt.key,
      priority: envelope.priority ?? 0,
      needs: needsOf(envelope),
      code: this.#codes.numberOf(envelope.app),
      parts: packEnvelope(envelope, callAt),
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
