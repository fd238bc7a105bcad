/**
 * The main of a worker process: runs what its manager gives it over descriptor 3, one task after the other, and ends
 * when the manager does. What a task does to the process (`process.exit`, an abort, an endless loop) it does to this one alone.
 */
import { join } from 'node:path';
import { PROCESS_RING } from '../data/peers/peer-access.js';
import { SluiceError } from '../errors.js';
import { adoptWorkerMark } from '../run/marked-processes.js';
import { decode } from '../wire/codec.js';
import { encodeError } from '../wire/error-codec.js';
import { KEPT_FOLDER, type PeerPlace } from '../wire/pilot/peers.js';
import type { AppCode } from '../wire/task-envelope.js';
import type { WorkerOrder, WorkerReport, WorkerSetup } from '../wire/worker/worker-message.js';
import { AnswerBox } from './answer-box.js';
import { type Backends, type BackendsOptions, createBackends } from './backends.js';
import { createLeftovers } from './leftovers.js';
import { openManagerLink } from './manager-link.js';
import { NodePeers } from './node-peers.js';
import { createNodeValues } from './node-values.js';
import { TaskLine } from './task-line.js';
import { createTaskRunner } from './task-runner.js';
import { createUncaughtGuard } from './uncaught-guard.js';

const CLOSE_MS = 1_000;

const codes = new Map<number, AppCode>();
const leftovers = createLeftovers();
let line: TaskLine | undefined;
/** Who waits to be told where files are kept. */
let place: { resolve(place: PeerPlace): void; reject(error: unknown): void } | undefined;
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
    case 'place':
      place?.resolve(order.place);
      return;
    case 'noPlace':
      place?.reject(new SluiceError('SERVICE_FAILED', `this node cannot keep files for other tasks: ${order.reason}`));
      return;
    case 'end':
      void end();
      return;
  }
}

function start(setup: WorkerSetup): void {
  adoptWorkerMark(setup.mark);
  const { scratchRoot, sharesProject } = setup;
  const send = link.send;
  const own = createBackends(sharing(setup));
  const backends = backendsFor(setup, own);
  const peers = peersFor(setup);
  const runner = createTaskRunner({
    backends,
    scratchRoot,
    sharesProject,
    peers,
    runnerUrl: import.meta.url,
    onLoaded: leftovers.onLoaded,
    onProcessGroup: (change) => send({ kind: 'group', ...change }),
    onClock: (running) => send({ kind: 'clock', key: line?.running ?? 0, running }),
  });
  endRunner = () => runner.close();
  const { claim } = link;
  line = new TaskLine({ setup, backends, runner, guard, leftovers, answers, peers, codeOf, send, claim });
  send({ kind: 'ready' });
}

/** What others get of this worker's files. */
function sharing({ peers, manager, scratchRoot }: WorkerSetup): BackendsOptions {
  if (peers === undefined) return {};
  const onCache = (entries: string): void => link.send({ kind: 'cache', entries });
  return {
    own: { manager, folder: join(scratchRoot, KEPT_FOLDER) },
    ...(peers.servesCached && { onCache }),
  };
}

function peersFor({ peers, manager }: WorkerSetup): NodePeers | undefined {
  if (peers === undefined) return undefined;
  if (peers.access !== undefined) PROCESS_RING.join(peers.access);
  return new NodePeers({
    peers,
    openCopies: async () => {
      const { createPeerCopies } = await import('../data/peers/peer-copies.js');
      return createPeerCopies({ ring: PROCESS_RING, own: manager });
    },
    askPlace: () =>
      new Promise((resolve, reject) => {
        place = { resolve, reject };
        link.send({ kind: 'wantsPlace' });
      }),
    onKept: (path, bytes) => link.send({ kind: 'kept', path, bytes }),
  });
}

function backendsFor({ spill, scratchRoot }: WorkerSetup, own: Backends): Backends {
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
