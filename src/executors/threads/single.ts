import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { createStoppable, type Stoppable } from '../../run/stoppable.js';
import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { ThreadWork } from '../../wire/threads/thread-message.js';
import { threadFailure } from './thread-failure.js';
import type { ThreadTask } from './thread-task.js';
import { nextWorkloadId, type TaskPlace, Termination, type ThreadWorkload, type WorkloadEnd } from './workload.js';

/** Above this a task is copied once as it is, instead of into a batch and then as part of it. */
const SMALL_BYTES = 16 * 1024;

/** Whether a task may travel with others: it needs no word with its thread, and is small. */
export function isSmall({ app, walltimeMs, call, slots }: TaskEnvelope): boolean {
  if (app.kind === 'bash' || walltimeMs !== undefined) return false;
  let bytes = call.byteLength;
  for (const slot of slots) bytes += slot.kind === 'inline' ? slot.bytes.byteLength : 0;
  return bytes <= SMALL_BYTES;
}

/** A task that has a thread to itself: it is large, has a walltime, or runs a command that has to be asked to stop. */
export class Single implements ThreadWorkload, TaskPlace {
  readonly id: number = nextWorkloadId();
  readonly terminate: Termination = new Termination();
  readonly mayStall = false;
  readonly work: ThreadWork;
  readonly transferList: readonly MessagePort[];
  readonly envelope: TaskEnvelope;
  readonly #task: ThreadTask;
  readonly #stoppable: Stoppable;
  readonly #port: MessagePort | undefined;

  constructor(task: ThreadTask) {
    const { envelope } = task;
    const link = needsLink(envelope) ? new MessageChannel() : undefined;
    this.envelope = envelope;
    this.#task = task;
    this.#port = link?.port1;
    this.#stoppable = createStoppable(envelope, {
      ask: () => this.#port?.postMessage('stop'),
      terminate: () => this.terminate.abort(),
    });
    this.#port?.once('message', this.#stoppable.started);
    const { id } = this;
    this.work =
      link === undefined ? { kind: 'single', id, envelope } : { kind: 'single', id, envelope, link: link.port2 };
    this.transferList = link === undefined ? [] : [link.port2];
    task.place = this;
  }

  giveUp(_: ThreadTask, reason: unknown): void {
    this.#stoppable.stop(reason);
  }

  stop(reason: unknown): void {
    this.#stoppable.stop(reason);
  }

  takeBackStalled(): readonly ThreadTask[] {
    return [];
  }

  takeBack(): readonly ThreadTask[] {
    return [];
  }

  end(end: WorkloadEnd): void {
    const { reason } = this.#stoppable;
    if (end.kind === 'failed') this.#task.reject(threadFailure(end.error, this.envelope, reason));
    // A function that was done before it could be stopped has its value; what a stopped one threw is the stop itself.
    else if (reason !== undefined && end.answer.outcome?.kind !== 'value') this.#task.reject(reason);
    else this.#task.resolve(end.answer.outcome as Outcome);
    this.#stoppable.over();
    this.#port?.close();
  }
}

// A command has to be asked to stop, and a walltime counts from the start.
function needsLink(envelope: TaskEnvelope): boolean {
  return envelope.app.kind === 'bash' || envelope.walltimeMs !== undefined;
}
