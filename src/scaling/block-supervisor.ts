import { setMaxListeners } from 'node:events';
import { messageOf, SluiceError } from '../errors.js';
import type { BlockInfo } from './block.js';
import { BlockController } from './block-controller.js';
import type { ScalingClock } from './clock.js';
import { controllerOptions } from './controller-options.js';
import type { ScalingCommand } from './scaling-command.js';
import type { BlockSupervisor, BlockSupervisorOptions } from './supervisor-contract.js';
import { withinDeadline } from './within-deadline.js';

export type { BlockSupervisor, BlockSupervisorOptions } from './supervisor-contract.js';

/** Between two looks at the world, in milliseconds: however often it is poked. */
const LOOK_SPACING_MS = 50;

/** A supervisor that has not started anything yet. */
export function createBlockSupervisor(options: BlockSupervisorOptions): BlockSupervisor {
  return new Supervisor(options);
}

/** The rim of a {@link BlockController}: timers, and calls of the provider. */
class Supervisor implements BlockSupervisor {
  readonly #options: BlockSupervisorOptions;
  readonly #clock: ScalingClock;
  readonly #controller: BlockController;
  readonly #stop = new AbortController();
  readonly #submits = new Map<string, Promise<boolean>>();
  readonly #accepted = new Set<string>();
  #state: 'new' | 'open' | 'leaving' | 'closing' | 'closed' = 'new';
  #closed: Promise<void> | undefined;
  #wake: { readonly atMs: number; readonly forget: () => void } | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #pollDueMs = Number.NEGATIVE_INFINITY;
  #polling = false;
  #changed: (() => void) | undefined;

  constructor(options: BlockSupervisorOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#controller = new BlockController(controllerOptions(options));
    // One for each call that is under way.
    setMaxListeners(0, this.#stop.signal);
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#pollDueMs = this.#clock.now() + this.#options.provider.statusIntervalMs;
    this.#options.provider.onChange?.(() => {
      this.#pollDueMs = Number.NEGATIVE_INFINITY;
      this.poke();
    });
    this.#look();
  }

  poke(): void {
    if (this.#state !== 'new' && this.#state !== 'closed') this.#wakeAt(this.#lookedMs + LOOK_SPACING_MS);
  }

  blocks(): readonly BlockInfo[] {
    return this.#controller.blocks(this.#clock.now());
  }

  async scaleOut(count: number): Promise<readonly string[]> {
    const submits: Promise<string | undefined>[] = [];
    while (this.#state === 'open') {
      const nowMs = this.#clock.now();
      const commands = this.#controller.scaleOut(count - submits.length, nowMs);
      this.#execute(commands);
      for (const command of commands) if (command.kind === 'submit') submits.push(this.#taken(command.blockId));
      const nextMs = submits.length < count ? this.#controller.nextStartMs(nowMs) : undefined;
      if (nextMs === undefined) break;
      await this.#until(nextMs);
    }
    this.poke();
    return (await Promise.all(submits)).filter((blockId) => blockId !== undefined);
  }

  async scaleIn(blockIds: readonly string[]): Promise<void> {
    if (this.#state !== 'open') return;
    this.#execute(this.#controller.scaleIn(blockIds, this.#clock.now()));
    this.poke();
  }

  leave(): void {
    if (this.#state === 'open') this.#state = 'leaving';
  }

  close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#closed ??= this.#shutDown(graceMs);
    return this.#closed;
  }

  /** Looks at the world, acts, and says when to look again. */
  #look(): void {
    if (this.#state === 'closed') return;
    const nowMs = this.#clock.now();
    this.#lookedMs = nowMs;
    const { outstandingSlots, managers, strategyPeriodMs } = this.#options;
    const slots = outstandingSlots();
    if (this.#state !== 'leaving') {
      this.#execute(this.#controller.decide({ outstandingSlots: slots, managers: managers() }, nowMs));
    }
    if (this.#controller.jobIds.length > 0) {
      if (nowMs >= this.#pollDueMs) void this.#poll();
      else this.#wakeAt(this.#pollDueMs);
    }
    if (this.#controller.liveCount > 0 || slots > 0) this.#wakeAt(nowMs + strategyPeriodMs);
    if (this.#controller.wakeAtMs !== undefined) this.#wakeAt(this.#controller.wakeAtMs);
  }

  /** Looks at that time, or before. */
  #wakeAt(atMs: number): void {
    if (this.#wake !== undefined && this.#wake.atMs <= atMs) return;
    this.#wake?.forget();
    const forget = this.#clock.later(Math.max(0, atMs - this.#clock.now()), () => {
      this.#wake = undefined;
      this.#look();
    });
    this.#wake = { atMs, forget };
  }

  #execute(commands: readonly ScalingCommand[]): void {
    for (const command of commands) {
      switch (command.kind) {
        case 'submit':
          this.#submits.set(command.blockId, this.#submit(command.blockId));
          break;
        case 'drain':
          this.#options.drain(command.blockId);
          break;
        case 'cancel':
          void this.#cancel(command.jobIds);
          break;
        case 'report':
          this.#report(command.block);
          break;
        case 'fail':
          this.#options.onFailed(command.error);
          break;
      }
    }
  }

  #report(block: BlockInfo): void {
    if (block.state.kind === 'ended' && block.jobId !== undefined) this.#accepted.delete(block.jobId);
    this.#options.onBlock(block);
  }

  /** Resolves with whether the provider took the job; never rejects. */
  async #submit(blockId: string): Promise<boolean> {
    const { provider, jobFor } = this.#options;
    try {
      const jobId = await this.#call<string>(
        'submit',
        async (signal) => provider.submit(jobFor(blockId), signal),
        // Nobody waits for this job any more, and nobody else knows of it.
        { late: (lateId) => void this.#cancel([lateId], new AbortController().signal) },
      );
      this.#execute(this.#controller.submitted(blockId, jobId, this.#clock.now()));
      return true;
    } catch (error) {
      this.#execute(this.#controller.refused(blockId, messageOf(error), this.#clock.now()));
      return false;
    } finally {
      this.#submits.delete(blockId);
      this.#notify();
    }
  }

  async #taken(blockId: string): Promise<string | undefined> {
    return (await this.#submits.get(blockId)) ? blockId : undefined;
  }

  async #cancel(jobIds: readonly string[], until: AbortSignal = this.#stop.signal): Promise<void> {
    const { provider } = this.#options;
    try {
      await this.#call('cancel', (signal) => provider.cancel(jobIds, signal), { until });
      for (const jobId of jobIds) this.#accepted.add(jobId);
    } catch (error) {
      const message = `cannot be cancelled: ${messageOf(error)}`;
      this.#execute(this.#controller.notCancelled(jobIds, message, this.#clock.now()));
    } finally {
      this.#notify();
    }
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    const { provider } = this.#options;
    this.#pollDueMs = this.#clock.now() + provider.statusIntervalMs;
    try {
      const jobIds = this.#controller.jobIds;
      const statuses = await this.#call('status', (signal) => provider.status(jobIds, signal));
      this.#execute(this.#controller.statuses(statuses, this.#clock.now()));
    } catch (error) {
      const message = `its status cannot be asked for: ${messageOf(error)}`;
      this.#execute(this.#controller.noStatuses(message, this.#clock.now()));
    } finally {
      this.#polling = false;
      this.#notify();
    }
  }

  #call<T>(
    what: string,
    call: (signal: AbortSignal) => Promise<T>,
    { until = this.#stop.signal, late }: { until?: AbortSignal; late?: (value: T) => void } = {},
  ): Promise<T> {
    const { provider, callDeadlineMs = 120_000 } = this.#options;
    const deadline = { clock: this.#clock, ms: callDeadlineMs, signal: until };
    const named = { ...deadline, what: `'${what}' of provider '${provider.name}'` };
    return withinDeadline(late === undefined ? named : { ...named, late }, call);
  }

  #notify(): void {
    this.#changed?.();
    this.poke();
  }

  #until(atMs: number): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const end = (): void => {
        forget();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const forget = this.#clock.later(Math.max(0, atMs - this.#clock.now()), end);
      signal.addEventListener('abort', end);
    });
  }

  async #shutDown(graceMs: number): Promise<void> {
    const wasOpen = this.#state === 'open' || this.#state === 'leaving';
    this.#state = 'closing';
    if (wasOpen) await this.#cancelAll(graceMs);
    this.#state = 'closed';
    this.#wake?.forget();
    const left = this.blocks().filter((block) => !this.#isCancelled(block));
    this.#stop.abort(new SluiceError('CANCELLED', 'the executor is being closed'));
    this.#execute(this.#controller.abandon('not seen to end before its executor was closed', this.#clock.now()));
    if (left.length > 0) throw notEnded(this.#options.provider.name, left, graceMs);
  }

  async #cancelAll(graceMs: number): Promise<void> {
    const endMs = this.#clock.now() + graceMs;
    let forget = (): void => {};
    const over = new Promise<void>((resolve) => {
      forget = this.#clock.later(graceMs, resolve);
    });
    this.#execute(this.#controller.close(this.#clock.now()));
    await Promise.race([this.#allEnded(endMs), over]);
    forget();
  }

  /** Resolves once every block has ended, or is cancelled and cannot be asked about in time. */
  async #allEnded(endMs: number): Promise<void> {
    let asked = false;
    while (this.#controller.liveCount > 0) {
      if (this.blocks().every((block) => this.#isCancelled(block))) {
        const willHear = this.#polling || this.#pollDueMs <= endMs || this.#options.provider.onChange !== undefined;
        if (asked && !willHear) return;
        // One question at once, also where the regular one is a minute away.
        if (!asked) this.#pollDueMs = Number.NEGATIVE_INFINITY;
        asked = true;
        this.poke();
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  #isCancelled({ state, jobId }: BlockInfo): boolean {
    return state.kind === 'ended' || (jobId !== undefined && this.#accepted.has(jobId));
  }
}

function notEnded(provider: string, blocks: readonly BlockInfo[], graceMs: number): SluiceError {
  const named = blocks.map(({ blockId, jobId, note }) => {
    return `${blockId} (${jobId === undefined ? 'being submitted' : `job ${jobId}`})${note === undefined ? '' : `: ${note}`}`;
  });
  return new SluiceError(
    'COMMAND_FAILED',
    `provider '${provider}': ${blocks.length} blocks are not known to be cancelled after ${graceMs / 1000} s, and may run on until their pilots miss the client. Cancel them by hand where that is too long:\n${named.join('\n')}`,
  );
}
