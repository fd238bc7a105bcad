import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SluiceError } from '../errors.js';
import { defaultScratchRoot } from '../run/scratch-root.js';
import type { Outcome } from '../wire/outcome.js';
import { attemptName, type TaskEnvelope } from '../wire/task-envelope.js';
import { ClaimBoard } from '../wire/threads/claim-board.js';
import { createBatchReader } from '../wire/threads/task-batch.js';
import type { ThreadAnswer, ThreadMessage, ThreadWork } from '../wire/threads/thread-message.js';
import { createBackends } from './backends.js';
import { createLeftovers } from './leftovers.js';
import { type AttemptOptions, createTaskRunner } from './task-runner.js';

/** What a thread pool gives each of its threads. */
export interface ThreadData {
  readonly scratchRoot: string;
}

/** How long a thread waits at its board for more: as long as it does, the client's process does not end by itself. */
const WAIT_MS = 20;

// Piscina wraps the pool's workerData in an array, its own part first.
const data = (Array.isArray(workerData) ? workerData.at(-1) : workerData) as ThreadData | undefined;
const readBatch = createBatchReader();
let current = '';
const leftovers = createLeftovers();

const runner = createTaskRunner({
  backends: createBackends(),
  scratchRoot: data?.scratchRoot ?? defaultScratchRoot(),
  sharesProject: true,
  sharesProcess: true,
  runnerUrl: import.meta.url,
  onLoaded: leftovers.onLoaded,
  onProcessGroup: (change) => tellPool({ kind: 'processGroup', ...change, attempt: current }),
});

/**
 * The main of a pool's thread: runs what the pool gives it, one task after the other. When an app left something that
 * would run on into the next task, the answer goes to the pool as a message, and the pool ends this thread.
 */
export default async function runOnThread(work: ThreadWork): Promise<ThreadAnswer | undefined> {
  return work.kind === 'batch' ? runBatches(work) : runSingle(work);
}

async function runBatches({
  id,
  tasks,
  board: memory,
}: ThreadWork & { kind: 'batch' }): Promise<ThreadAnswer | undefined> {
  const board = new ClaimBoard(memory);
  let next: Uint8Array | undefined = tasks;
  while (next !== undefined) {
    const answer = await runBatch(id, readBatch(next), board);
    // Piscina writes out what was printed, when it gets the answer.
    if (answer !== undefined || isPrinting()) return answer;
    next = board.inbox.take(WAIT_MS);
  }
  return undefined;
}

async function runBatch(
  id: number,
  envelopes: readonly TaskEnvelope[],
  board: ClaimBoard,
): Promise<ThreadAnswer | undefined> {
  const options = { receivedMs: performance.now() };
  for (let index = 0; index < envelopes.length; index++) {
    if (!board.claim(index)) continue;
    const { outcome, isSpent } = await runTask(envelopes[index] as TaskEnvelope, options);
    const isOnBoard = board.finish(index, outcome);
    const answer: ThreadAnswer = isOnBoard ? {} : { outcome, index };
    if (isSpent) return spent(id, answer);
    if (!isOnBoard) return answer;
  }
  return undefined;
}

async function runSingle({ id, envelope, link }: ThreadWork & { kind: 'single' }): Promise<ThreadAnswer> {
  const { outcome, isSpent } = await runTask(envelope, {}, link);
  return isSpent ? spent(id, { outcome }) : { outcome };
}

async function runTask(
  envelope: TaskEnvelope,
  options: AttemptOptions,
  link?: MessagePort,
): Promise<{ outcome: Outcome; isSpent: boolean }> {
  current = attemptName(envelope);
  const startedMs = performance.now();
  const outcome = await (link === undefined ? runner.run(envelope, options) : runLinked(envelope, link));
  // An error that the app left uncaught shows on the next turn of the event loop: it must not hit the next task.
  await nextTurn();
  return { outcome, isSpent: leftovers.after(envelope, outcome, performance.now() - startedMs) };
}

async function runLinked(envelope: TaskEnvelope, link: MessagePort): Promise<Outcome> {
  const stopped = new AbortController();
  link.on('message', () => stopped.abort(new SluiceError('CANCELLED', 'the task was stopped')));
  link.postMessage('started');
  try {
    return await runner.run(envelope, { signal: stopped.signal });
  } finally {
    link.close();
  }
}

function isPrinting(): boolean {
  return process.stdout.writableLength > 0 || process.stderr.writableLength > 0;
}

function spent(id: number, answer: ThreadAnswer): Promise<never> {
  tellPool({ kind: 'spent', id, answer });
  return new Promise(() => {});
}

function tellPool(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}
