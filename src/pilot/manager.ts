import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors.js';
import { defaultScratchRoot } from '../run/scratch-root.js';
import type { PilotLink } from '../transport/pilot-link.js';
import type { Frames } from '../transport/transport.js';
import { encodeMessage, parseManagerOrder } from '../wire/pilot/message-codec.js';
import type { ManagerOrder, ManagerRegistration } from '../wire/pilot/messages.js';
import { KEPT_FOLDER, type WorkerPeers } from '../wire/pilot/peers.js';
import type { PilotConfig } from '../wire/pilot/pilot-config.js';
import type { PilotTask } from '../wire/pilot/pilot-task.js';
import { deskPlace } from './desk-place.js';
import { FilesDesk } from './files-desk.js';
import { LifeTimers } from './life-timers.js';
import type { ManagerParts } from './manager-parts.js';
import { NodeGate } from './mpi/node-gate.js';
import type { NodeFiles } from './node-files.js';
import type { Pilot, PilotEnd } from './pilot-contract.js';
import { registrationOf } from './registration.js';
import { ResultOutbox } from './result-outbox.js';
import { sweepScratch } from './scratch-folder.js';
import { SentResults } from './sent-results.js';
import { TaskDesk } from './task-desk.js';

const KEEP = { keepMs: 5_000, keepBytes: 32 * 2 ** 20 };
/** Results go together up to this size. */
const MESSAGE_BYTES = 4 * 2 ** 20;
const TERMINATE_MS = 5_000;
const CLOSE_MS = 1_500;

/** A manager: its desk of tasks, its link to the interchange, and when and how it ends. */
export class Manager implements Pilot {
  readonly id: string;
  readonly ended: Promise<PilotEnd>;
  readonly #config: PilotConfig;
  readonly #parts: ManagerParts;
  readonly #timers = new LifeTimers();
  readonly #desk: TaskDesk;
  readonly #gate: NodeGate | undefined;
  readonly #files: FilesDesk | undefined;
  readonly #outbox: ResultOutbox;
  readonly #sent = new SentResults(KEEP);
  readonly #scratchRoot: string;
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
    this.#scratchRoot = join(config.scratchRoot ?? defaultScratchRoot(), this.id);
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const mostBytes = Math.min(MESSAGE_BYTES, config.maxMessageBytes);
    this.#outbox = new ResultOutbox(mostBytes, (message) => {
      this.#sent.add(message, performance.now());
      this.#send(message.frames);
    });
    const files = this.#createFiles();
    this.#files =
      files &&
      new FilesDesk(files, {
        scratchRoot: this.#scratchRoot,
        tell: (kept) => this.#send(encodeMessage({ kind: 'kept', kept })),
      });
    this.#desk = this.#createDesk(files?.workerPeers);
    this.#gate = this.#createGate();
  }

  async start(): Promise<void> {
    const { logFolder, walltimeMs, drainBeforeEndMs, drainAfterMs } = this.#config;
    if (logFolder !== undefined) mkdirSync(logFolder, { recursive: true });
    if (this.#files !== undefined) void sweepScratch(dirname(this.#scratchRoot));
    this.#desk.start();
    try {
      this.#link = await this.#openLink();
    } catch (error) {
      await this.#cleanUp();
      throw error;
    }
    await this.#files?.reached(this.#link.address);
    if (this.#isOver) return;
    this.#registerIfReady();
    if (walltimeMs !== undefined) this.#drainAt(walltimeMs - drainBeforeEndMs, 'its block ends soon');
    if (drainAfterMs !== undefined) this.#drainAt(drainAfterMs, `it has run for ${drainAfterMs} ms`);
  }

  terminate(reason: string): void {
    if (this.#isTerminating) {
      this.#end({ exitCode: 143, reason });
      return;
    }
    this.#isTerminating = true;
    this.#drain(reason);
    this.#timers.after(TERMINATE_MS, () => this.#end({ exitCode: 143, reason: `${reason}; its tasks took too long` }));
    this.#endIfDone();
  }

  #createFiles(): NodeFiles | undefined {
    const { peers } = this.#config;
    if (peers === undefined) return undefined;
    return this.#parts.createNodeFiles({
      manager: this.id,
      config: peers,
      folder: join(this.#scratchRoot, KEPT_FOLDER),
    });
  }

  #createDesk(peers: WorkerPeers | undefined): TaskDesk {
    const place = { id: this.id, scratchRoot: this.#scratchRoot, peers };
    return new TaskDesk({
      ...deskPlace(this.#config, this.#parts, place),
      onResults: (results) => {
        this.#outbox.add(results);
        if (this.#isTerminating) setImmediate(() => this.#endIfDone());
      },
      onPrefetch: (tasks) => {
        if (this.#isRegistered) this.#send(encodeMessage({ kind: 'prefetch', tasks }));
      },
      onGivenBack: (tasks) => this.#giveBack(tasks),
      onPlaceWanted: (worker) => void this.#files?.place().then((order) => this.#desk.tellPlace(worker, order)),
      onFiles: (report) => this.#files?.hear(report),
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
      case 'drop':
        this.#files?.drop(order.paths);
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
    if (!this.#isRegistered && !(this.#desk.isSettled && this.#files?.isReached !== false)) return;
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
    const remainingMs = walltimeMs === undefined ? undefined : walltimeMs - this.#timers.elapsedMs();
    const self = { ...this.#parts, id: this.id, blockId };
    const { peer, kept } = this.#files ?? { peer: undefined, kept: undefined };
    return registrationOf(self, { prefetch: this.#desk.prefetch, remainingMs, holding, peer, kept });
  }

  #drainAt(ms: number, reason: string): void {
    this.#timers.at(ms, () => this.#drain(reason));
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
    this.#timers.clear();
    await Promise.allSettled([this.#desk.close(CLOSE_MS), this.#link?.close()]);
    await this.#files?.close();
    await rm(this.#scratchRoot, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
  }

  #send(frames: Frames): void {
    this.#link?.send(frames);
  }
}
