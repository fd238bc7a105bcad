import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../errors.js';
import type { PilotLink, PilotLinkOptions } from '../transport/pilot-link.js';
import type { Frames } from '../transport/transport.js';
import { VERSION } from '../version.js';
import { encodeMessage, parseManagerOrder } from '../wire/pilot/message-codec.js';
import type { ManagerOrder, ManagerRegistration } from '../wire/pilot/messages.js';
import { PILOT_PROTOCOL } from '../wire/pilot/messages.js';
import type { PilotConfig } from '../wire/pilot/pilot-config.js';
import type { PilotTask } from '../wire/pilot/pilot-task.js';
import { installedPackages } from './installed-packages.js';
import { NodeGate } from './mpi/node-gate.js';
import { nodesOfBlock } from './mpi/node-list.js';
import { type NodePlan, planNode } from './node-plan.js';
import { type DetectedNode, detectNode } from './node-resources.js';
import { requireTaskset } from './require-taskset.js';
import { ResultOutbox } from './result-outbox.js';
import { SentResults } from './sent-results.js';
import { TaskDesk } from './task-desk.js';

/** How a manager ended. */
export interface PilotEnd {
  readonly exitCode: number;
  readonly reason: string;
}

/** What a manager is given besides its configuration. */
export interface PilotMeans {
  readonly openLink: (options: PilotLinkOptions) => Promise<PilotLink>;
  /** What the manager was started with, less what is secret: workers inherit it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Path of the main of a worker process. Default: the one of this package. */
  readonly workerMain?: string;
}

/** A running manager. */
export interface Pilot {
  readonly id: string;
  /** Resolves once all it started has ended. */
  readonly ended: Promise<PilotEnd>;
  /** The node is wanted back: finishes what it can in the time that a scheduler leaves between SIGTERM and SIGKILL. */
  terminate(reason: string): void;
}

const KEEP = { keepMs: 5_000, keepBytes: 32 * 2 ** 20 };
/** Results go together up to this size. */
const MESSAGE_BYTES = 4 * 2 ** 20;
/** What surrounds a result in its message. */
const MESSAGE_SLACK_BYTES = 64 * 1024;
const NODES_MS = 60_000;
const TERMINATE_MS = 5_000;
const CLOSE_MS = 1_500;
/** Longer ones overflow: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Starts the manager of a node: its workers, and the link to the interchange.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when the node cannot be shared out as asked, `VERSION_MISMATCH` for a
 *   configuration of another version, and what opening the link throws
 */
export async function startPilot(config: PilotConfig, means: PilotMeans): Promise<Pilot> {
  checkVersion(config);
  const node = detectNode(means.environment);
  const plan = planNode(node, config);
  if (plan.workers.some(({ cores }) => cores !== undefined)) requireTaskset(config.cpuAffinity);
  const packages = config.sharesFilesystem ? await installedPackages(process.cwd()) : {};
  const nodes = config.mpi && (await nodesOfBlock(means.environment, AbortSignal.timeout(NODES_MS)));
  const manager = new Manager(config, { ...means, node, plan, packages, nodes });
  await manager.start();
  return manager;
}

interface ManagerParts extends PilotMeans {
  readonly node: DetectedNode;
  readonly plan: NodePlan;
  readonly packages: Readonly<Record<string, string>>;
  /** Of the block, for MPI. */
  readonly nodes: readonly string[] | undefined;
}

class Manager implements Pilot {
  readonly id: string;
  readonly ended: Promise<PilotEnd>;
  readonly #config: PilotConfig;
  readonly #parts: ManagerParts;
  readonly #startedMs = performance.now();
  readonly #desk: TaskDesk;
  readonly #gate: NodeGate | undefined;
  readonly #outbox: ResultOutbox;
  readonly #sent = new SentResults(KEEP);
  readonly #scratchRoot: string;
  readonly #timers = new Set<NodeJS.Timeout>();
  #link: PilotLink | undefined;
  /** The interchange waits for a registration, which waits for the workers. */
  #owesRegistration = false;
  #isRegistered = false;
  #drainReason: string | undefined;
  #isTerminating = false;
  #isOver = false;
  #settle: (end: PilotEnd) => void = () => {};

  constructor(config: PilotConfig, parts: ManagerParts) {
    this.id = `${hostname().slice(0, 60)}-${process.pid}-${randomBytes(4).toString('hex')}`;
    this.#config = config;
    this.#parts = parts;
    this.#scratchRoot = join(config.scratchRoot ?? join(tmpdir(), 'sluice'), this.id);
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const mostBytes = Math.min(MESSAGE_BYTES, config.maxMessageBytes);
    this.#outbox = new ResultOutbox(mostBytes, (message) => {
      this.#sent.add(message, performance.now());
      this.#send(message.frames);
    });
    this.#desk = this.#createDesk();
    this.#gate = this.#createGate();
  }

  async start(): Promise<void> {
    const { logFolder, walltimeMs, drainBeforeEndMs, drainAfterMs } = this.#config;
    if (logFolder !== undefined) mkdirSync(logFolder, { recursive: true });
    this.#desk.start();
    try {
      this.#link = await this.#openLink();
    } catch (error) {
      await this.#cleanUp();
      throw error;
    }
    if (this.#isOver) return;
    if (walltimeMs !== undefined) this.#drainIn(walltimeMs - drainBeforeEndMs, 'its block ends soon');
    if (drainAfterMs !== undefined) this.#drainIn(drainAfterMs, `it has run for ${drainAfterMs} ms`);
  }

  terminate(reason: string): void {
    if (this.#isTerminating) {
      this.#end({ exitCode: 143, reason });
      return;
    }
    this.#isTerminating = true;
    this.#drain(reason);
    this.#after(TERMINATE_MS, () => this.#end({ exitCode: 143, reason: `${reason}; its tasks took too long` }));
    this.#endIfDone();
  }

  #createDesk(): TaskDesk {
    const { blockId, enforceMemory, logFolder, prefetch, sharesFilesystem, spill, maxMessageBytes } = this.#config;
    const { plan, node, environment, workerMain } = this.#parts;
    return new TaskDesk({
      id: this.id,
      blockId,
      plan,
      workerMain: workerMain ?? createRequire(import.meta.url).resolve('#worker/process'),
      environment,
      enforceMemory,
      logFolder,
      prefetch,
      startsAtOnce: Math.max(4, Math.ceil(2 * node.cores)),
      setup: {
        manager: this.id,
        scratchRoot: this.#scratchRoot,
        sharesProject: sharesFilesystem,
        maxResultBytes: maxMessageBytes - MESSAGE_SLACK_BYTES,
        ...(spill !== undefined && { spill: { ...spill, url: `${spill.url}/${this.id}` } }),
      },
      onResults: (results) => {
        this.#outbox.add(results);
        if (this.#isTerminating) setImmediate(() => this.#endIfDone());
      },
      onPrefetch: (tasks) => {
        if (this.#isRegistered) this.#send(encodeMessage({ kind: 'prefetch', tasks }));
      },
      onGivenBack: (tasks) => this.#giveBack(tasks),
      onChange: () => this.#gate?.sweep((key) => this.#desk.has(key)),
      onWorker: () => this.#registerIfReady(),
      onHopeless: (error) => this.#end({ exitCode: 1, reason: messageOf(error) }),
    });
  }

  #createGate(): NodeGate | undefined {
    const { mpi } = this.#config;
    const { nodes } = this.#parts;
    if (mpi === undefined || nodes === undefined) return undefined;
    return new NodeGate({
      launcher: mpi.launcher,
      nodes,
      admit: (tasks, environments) => this.#desk.add(tasks, environments),
      refuse: (results) => this.#outbox.add(results),
    });
  }

  #openLink(): Promise<PilotLink> {
    const { addresses, connectTimeoutMs, security, heartbeatMs, heartbeatThresholdMs, maxMessageBytes } = this.#config;
    return this.#parts.openLink({
      addresses,
      connectTimeoutMs,
      id: this.id,
      heartbeatMs,
      heartbeatThresholdMs,
      maxMessageBytes,
      ...(security !== undefined && { security }),
      onMessage: (frames) => this.#receive(frames),
      onPeer: () => this.#introduce(),
      onLost: (error) => this.#end({ exitCode: 1, reason: messageOf(error) }),
    });
  }

  #receive(frames: Frames): void {
    let order: ManagerOrder;
    try {
      order = parseManagerOrder(frames);
    } catch (error) {
      process.stderr.write(`sluice: manager ${this.id} got a message it does not understand: ${messageOf(error)}\n`);
      return;
    }
    if (!this.#isOver) this.#obey(order);
  }

  #obey(order: ManagerOrder): void {
    switch (order.kind) {
      case 'welcome':
        return;
      case 'who':
        this.#introduce();
        return;
      case 'code':
        this.#desk.addCode(order.code, order.bytes);
        return;
      case 'tasks':
        (this.#gate ?? this.#desk).add(order.tasks);
        return;
      case 'cancel':
        this.#gate?.cancel(order.keys);
        this.#desk.cancel(order.keys);
        this.#endIfDone();
        return;
      case 'drain':
        this.#drain('it was asked to');
        return;
      case 'drained':
        this.#end({ exitCode: 0, reason: `drained: ${this.#drainReason ?? 'it was asked to'}` });
        return;
      case 'refused':
        this.#end({ exitCode: 1, reason: `the interchange refused this manager: ${order.reason}` });
        return;
      case 'stop':
        this.#end({ exitCode: 0, reason: order.reason });
        return;
    }
  }

  /** The interchange does not know this manager (any more). */
  #introduce(): void {
    this.#owesRegistration = true;
    this.#registerIfReady();
  }

  // Tasks that came before workers can run them would be better off elsewhere.
  #registerIfReady(): void {
    if (!this.#owesRegistration || this.#isOver) return;
    if (!this.#isRegistered && !this.#desk.isSettled) return;
    this.#owesRegistration = false;
    this.#isRegistered = true;
    this.#outbox.flush();
    const repeated = this.#sent.recent(performance.now());
    const holding = new Set([...this.#keys(), ...repeated.flatMap(({ keys }) => keys)]);
    this.#send(encodeMessage({ kind: 'register', manager: this.#registration([...holding]) }));
    for (const { frames } of repeated) this.#send(frames);
    if (this.#drainReason !== undefined) this.#sayDraining(this.#drainReason);
  }

  #keys(): readonly number[] {
    return [...this.#desk.keys(), ...(this.#gate?.waiting ?? [])];
  }

  #registration(holding: readonly number[]): ManagerRegistration {
    const { blockId, walltimeMs } = this.#config;
    const { node, plan, packages } = this.#parts;
    return {
      id: this.id,
      blockId,
      host: hostname(),
      pid: process.pid,
      sluice: VERSION,
      node: process.version,
      packages,
      slots: plan.workers.length,
      share: plan.share,
      prefetch: this.#desk.prefetch,
      cores: node.cores,
      memoryMiB: node.memoryMiB,
      accelerators: plan.accelerators,
      ...(walltimeMs !== undefined && { remainingMs: walltimeMs - this.#elapsedMs() }),
      holding,
    };
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  #drainIn(ms: number, reason: string): void {
    this.#after(Math.max(0, ms - this.#elapsedMs()), () => this.#drain(reason));
  }

  #drain(reason: string): void {
    if (this.#drainReason !== undefined || this.#isOver) return;
    this.#drainReason = reason;
    if (!this.#isRegistered) return;
    this.#sayDraining(reason);
    this.#giveBack(this.#gate?.takeWaiting() ?? []);
    this.#desk.giveBackWaiting();
  }

  #sayDraining(reason: string): void {
    this.#send(encodeMessage({ kind: 'draining', reason }));
  }

  #giveBack(tasks: readonly PilotTask[]): void {
    if (tasks.length === 0) return;
    this.#outbox.flush();
    this.#send(encodeMessage({ kind: 'returned', tasks }));
  }

  // Whoever ends this process now would not wait for the interchange's word.
  #endIfDone(): void {
    if (!this.#isTerminating || this.#keys().length > 0 || this.#desk.size > 0) return;
    this.#end({ exitCode: 0, reason: `${this.#drainReason ?? ''}; nothing was left to do` });
  }

  #end(end: PilotEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outbox.flush();
    this.#send(encodeMessage({ kind: 'bye', reason: end.reason }));
    void this.#cleanUp().then(() => this.#settle(end));
  }

  async #cleanUp(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.allSettled([this.#desk.close(CLOSE_MS), this.#link?.close()]);
    await rm(this.#scratchRoot, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
  }

  #after(ms: number, act: () => void): void {
    if (ms <= LONGEST_TIMER_MS) this.#timers.add(setTimeout(act, ms));
  }

  #send(frames: Frames): void {
    this.#link?.send(frames);
  }
}

function checkVersion({ protocol, sluice }: PilotConfig): void {
  if (protocol === PILOT_PROTOCOL && sluice === VERSION) return;
  throw new SluiceError(
    'VERSION_MISMATCH',
    `this node has sluice ${VERSION} (protocol ${PILOT_PROTOCOL}), the client ${sluice} (protocol ${protocol}): ` +
      'bring both to one version',
  );
}
