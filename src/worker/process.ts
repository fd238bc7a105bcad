/**
 * The main of a worker process: runs what its manager gives it over descriptor 3, one task after the other, and ends
 * when the manager does. What a task does to the process (`process.exit`, an abort, an endless loop) it does to this one alone.
 */
import { join } from 'node:path';
import { adoptWorkerMark } from '../run/marked-processes.js';
import { decode } from '../wire/codec.js';
import { encodeError } from '../wire/error-codec.js';
import type { AppCode } from '../wire/task-envelope.js';
import type { WorkerOrder, WorkerReport, WorkerSetup } from '../wire/worker/worker-message.js';
import { AnswerBox } from './answer-box.js';
import { type Backends, createBackends } from './backends.js';
import { createLeftovers } from './leftovers.js';
import { openManagerLink } from './manager-link.js';
import { createNodeValues } from './node-values.js';
import { TaskLine } from './task-line.js';
import { createTaskRunner } from './task-runner.js';
import { createUncaughtGuard } from './uncaught-guard.js';

const CLOSE_MS = 1_000;

const codes = new Map<number, AppCode>();
const own = createBackends();
const leftovers = createLeftovers();
let line: TaskLine | undefined;
let endRunner = (): Promise<void> => Promise.resolve();

// Schedulers send it to every process of a job: how much time is left is for the manager to use.
process.on('SIGTERM', () => {});

const link = openManagerLink({ onOrder, onGone: () => process.exit(0) });
const answers = new AnswerBox((report) => link.send(report));
const guard = createUncaughtGuard((error) => {
  endSaying({ kind: 'uncaught', error: encodeError(error, { app: '' }) });
});
// What tasks before this one returned is theirs, however the process ends.
process.on('exit', () => sayNow());

function onOrder(order: WorkerOrder): void {
  switch (order.kind) {
    case 'setup':
      start(order);
      return;
    case 'code':
      codes.set(order.code, decode(order.bytes) as AppCode);
      return;
    case 'run':
      line?.add(order);
      return;
    case 'revoke':
      line?.revoke(order.keys);
      return;
    case 'stop':
      line?.stop(order.key);
      return;
    case 'end':
      void end();
      return;
  }
}

function start(setup: WorkerSetup): void {
  adoptWorkerMark(setup.mark);
  const { scratchRoot, sharesProject } = setup;
  const backends = backendsFor(setup);
  const send = link.send;
  const runner = createTaskRunner({
    backends,
    scratchRoot,
    sharesProject,
    runnerUrl: import.meta.url,
    onLoaded: leftovers.onLoaded,
    onProcessGroup: (change) => send({ kind: 'group', ...change }),
    onClock: (running) => send({ kind: 'clock', key: line?.running ?? 0, running }),
  });
  endRunner = () => runner.close();
  const { claim } = link;
  line = new TaskLine({ setup, backends, runner, guard, leftovers, answers, codeOf, send, claim });
  send({ kind: 'ready' });
}

function backendsFor({ spill, scratchRoot }: WorkerSetup): Backends {
  if (spill === undefined || spill.url.startsWith('file:')) return own;
  // Whoever opens a bucket first says where it is.
  if (spill.region !== undefined) own.store(spill.url, { region: spill.region });
  const below = spill.url.slice(0, spill.url.lastIndexOf('/'));
  return { ...own, ...createNodeValues(own, { folder: join(scratchRoot, 'values'), below }) };
}

function codeOf(code: number): AppCode {
  const app = codes.get(code);
  if (app === undefined) throw new Error(`code ${code} has not come yet`);
  return app;
}

async function end(): Promise<void> {
  setTimeout(() => process.exit(0), CLOSE_MS);
  await endRunner().catch((error: unknown) => console.error(error));
  process.exit(0);
}

function endSaying(report: WorkerReport): never {
  sayNow(report);
  process.exit(1);
}

function sayNow(...more: readonly WorkerReport[]): void {
  const results = answers.take();
  link.sendNow(results === undefined ? more : [results, ...more]);
}
