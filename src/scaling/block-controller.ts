import { SluiceError } from '../errors.js';
import type { JobStatus } from '../providers/provider.js';
import type { ManagerInfo } from '../wire/pilot/messages.js';
import { type BlockInfo, hasFailed } from './block.js';
import { BlockTable, type BlockTableOptions } from './block-table.js';
import type { BlockEvent } from './block-transition.js';
import { BlockTrials } from './block-trials.js';
import { callUser } from './call-user.js';
import { type BreakerOptions, CircuitBreaker } from './circuit-breaker.js';
import { DemandPeak } from './demand-peak.js';
import type { BlockErrorHandler } from './error-handlers.js';
import { blocksFailed } from './failure-message.js';
import type { ScalingCommand } from './scaling-command.js';
import { StandingOrders } from './standing-orders.js';
import { Starvation } from './starvation.js';
import {
  demandOf,
  type ScalingDecision,
  type ScalingLimits,
  type ScalingStrategy,
  type ScalingView,
} from './strategy.js';
import { SubmitLimiter, type SubmitLimits } from './submit-limiter.js';

/** What a controller decides by. Times in milliseconds. */
export interface BlockControllerOptions extends BlockTableOptions {
  /** Name of the provider, for messages. */
  readonly provider: string;
  readonly limits: ScalingLimits;
  readonly strategy: ScalingStrategy;
  readonly errorHandler: BlockErrorHandler;
  readonly maxIdleMs: number;
  readonly submitLimits: SubmitLimits;
  readonly breaker: BreakerOptions;
  /** A block that dies sooner after its first manager connected counts as one that could not start. */
  readonly provenAfterMs: number;
  /** After so long without an effect, drains and cancels are asked for again. */
  readonly repeatAfterMs: number;
}

/** The world outside, now. */
export interface ScalingInput {
  readonly outstandingSlots: number;
  readonly managers: readonly ManagerInfo[];
}

/** Events in, commands out: everything about blocks but the calls and the timers. Pure: the clock is passed in. */
export class BlockController {
  readonly #options: BlockControllerOptions;
  readonly #table: BlockTable;
  readonly #limiter: SubmitLimiter;
  readonly #breaker: CircuitBreaker;
  readonly #peak: DemandPeak;
  readonly #trials: BlockTrials;
  readonly #starvation: Starvation;
  readonly #orders: StandingOrders;
  #initial: number;
  #judge = false;
  #givenUp = false;
  #closing = false;
  #wakeAtMs: number | undefined;

  constructor(options: BlockControllerOptions) {
    this.#options = options;
    this.#table = new BlockTable(options);
    this.#limiter = new SubmitLimiter(options.submitLimits);
    this.#breaker = new CircuitBreaker(options.breaker);
    this.#trials = new BlockTrials(this.#breaker, options.provenAfterMs);
    this.#starvation = new Starvation(options.connectDeadlineMs);
    this.#peak = new DemandPeak(options.maxIdleMs);
    this.#orders = new StandingOrders(options.repeatAfterMs);
    this.#initial = Math.min(options.limits.initBlocks, options.limits.maxBlocks);
  }

  blocks(nowMs: number): readonly BlockInfo[] {
    return this.#table.infos(nowMs);
  }

  /** Jobs that have not ended, as far as is known. */
  get jobIds(): readonly string[] {
    return this.#table.live.flatMap(({ jobId }) => jobId ?? []);
  }

  get liveCount(): number {
    return this.#table.liveCount;
  }

  /** When {@link decide} has something to do that waits for nothing but the time; `undefined` where there is no such thing. */
  get wakeAtMs(): number | undefined {
    return this.#wakeAtMs;
  }

  /** Looks at the world, and says what to do. Cheap: call it whenever something may have changed, and now and then. */
  decide(input: ScalingInput, nowMs: number): readonly ScalingCommand[] {
    this.#wakeAtMs = undefined;
    const seen = [
      ...this.#absorb(this.#table.applyManagers(input.managers, nowMs), nowMs),
      ...this.#absorb(this.#table.applyDeadlines(nowMs), nowMs),
    ];
    if (this.#trials.prove(this.#table.live, nowMs)) this.#givenUp = false;
    const scaled = this.#closing ? [] : [...this.#judgeFailures(nowMs), ...this.#scale(input.outstandingSlots, nowMs)];
    return [...seen, ...scaled, ...this.#orders.due(this.#table.live, nowMs)];
  }

  /** The provider took a block's job. */
  submitted(blockId: string, jobId: string, nowMs: number): readonly ScalingCommand[] {
    return this.#absorb(this.#table.apply(blockId, { kind: 'submitted', jobId }, nowMs), nowMs);
  }

  /** The provider did not take it. */
  refused(blockId: string, message: string, nowMs: number): readonly ScalingCommand[] {
    return this.#absorb(this.#table.apply(blockId, { kind: 'refused', message }, nowMs), nowMs);
  }

  statuses(statuses: readonly JobStatus[], nowMs: number): readonly ScalingCommand[] {
    return this.#absorb(this.#table.applyStatuses(statuses, nowMs), nowMs);
  }

  /** The provider could not say how its jobs are. */
  noStatuses(message: string, nowMs: number): readonly ScalingCommand[] {
    return this.#applyToAll({ kind: 'noStatus', message }, nowMs);
  }

  /** The provider did not cancel these: they are asked for again. */
  notCancelled(jobIds: readonly string[], message: string, nowMs: number): readonly ScalingCommand[] {
    const blocks = this.#table.live.filter(({ jobId }) => jobId !== undefined && jobIds.includes(jobId));
    return blocks.flatMap(({ blockId }) =>
      this.#absorb(this.#table.apply(blockId, { kind: 'noStatus', message }, nowMs), nowMs),
    );
  }

  /** Starts up to `count` blocks: fewer where the most blocks are there, or submissions have to wait. */
  scaleOut(count: number, nowMs: number): readonly ScalingCommand[] {
    const room = this.#options.limits.maxBlocks - this.#table.liveCount;
    const allowed = Math.min(count, room, this.#limiter.allowed(nowMs), this.#breaker.allowed(nowMs));
    const commands: ScalingCommand[] = [];
    for (let started = 0; started < allowed; started += 1) {
      const block = this.#table.add(nowMs);
      this.#limiter.take(nowMs);
      this.#breaker.submitted(block.blockId);
      commands.push({ kind: 'report', block }, { kind: 'submit', blockId: block.blockId });
    }
    return commands;
  }

  /** When {@link scaleOut} may start another block, if time is all that is missing; else `undefined`. */
  nextStartMs(nowMs: number): number | undefined {
    const hasRoom = this.#table.liveCount < this.#options.limits.maxBlocks;
    return hasRoom && this.#breaker.isClosed ? this.#limiter.nextMs(nowMs) : undefined;
  }

  /** Drains blocks, with or without tasks, or cancels them where nothing is connected. */
  scaleIn(blockIds: readonly string[], nowMs: number): readonly ScalingCommand[] {
    const changed = blockIds.flatMap((blockId) =>
      this.#absorb(this.#table.apply(blockId, { kind: 'drain' }, nowMs), nowMs),
    );
    return [...changed, ...this.#orders.due(this.#table.live, nowMs)];
  }

  /** No more blocks; cancels all there are. */
  close(nowMs: number): readonly ScalingCommand[] {
    this.#closing = true;
    return [
      ...this.#applyToAll({ kind: 'cancel', reason: 'closing' }, nowMs),
      ...this.#orders.due(this.#table.live, nowMs),
    ];
  }

  /** Nobody looks any more: what still lives is called cancelled. */
  abandon(message: string, nowMs: number): readonly ScalingCommand[] {
    return this.#table.live.flatMap(({ blockId, jobId }) =>
      this.#absorb(
        this.#table.apply(
          blockId,
          jobId === undefined
            ? { kind: 'refused', message }
            : { kind: 'status', status: { jobId, state: 'cancelled', message } },
          nowMs,
        ),
        nowMs,
      ),
    );
  }

  #applyToAll(event: BlockEvent, nowMs: number): readonly ScalingCommand[] {
    return this.#table.live.flatMap(({ blockId }) => this.#absorb(this.#table.apply(blockId, event, nowMs), nowMs));
  }

  #absorb(changes: readonly BlockInfo[], nowMs: number): readonly ScalingCommand[] {
    for (const block of changes) if (block.state.kind === 'ended') this.#learnFromEnd(block, nowMs);
    return changes.map((block) => ({ kind: 'report', block }));
  }

  #learnFromEnd(block: BlockInfo, nowMs: number): void {
    this.#orders.forget(block.blockId);
    if (hasFailed(block)) this.#judge = true;
    this.#trials.ended(block, nowMs);
  }

  #judgeFailures(nowMs: number): readonly ScalingCommand[] {
    if (!this.#judge) return [];
    this.#judge = false;
    const { provider, limits, errorHandler } = this.#options;
    const history = {
      provider,
      initBlocks: limits.initBlocks,
      blocks: this.#table.infos(nowMs),
      everWorked: this.#table.everWorked,
    };
    const error = callUser(() => errorHandler(history), `the block error handler of provider '${provider}'`);
    if (error instanceof SluiceError) return this.#giveUp(error, nowMs);
    return [];
  }

  #giveUp(error: SluiceError, nowMs: number): readonly ScalingCommand[] {
    this.#breaker.trip(nowMs);
    this.#givenUp = true;
    this.#initial = 0;
    return [{ kind: 'fail', error }];
  }

  #scale(outstandingSlots: number, nowMs: number): readonly ScalingCommand[] {
    const view = this.#view(outstandingSlots, nowMs);
    const { strategy, provider } = this.#options;
    const decision = callUser(() => strategy(view), `the scaling strategy of provider '${provider}'`);
    if (decision instanceof SluiceError) {
      return outstandingSlots > 0 && this.#breaker.allowed(nowMs) > 0 ? this.#giveUp(decision, nowMs) : [];
    }
    return [...this.#in(decision, view, nowMs), ...this.#out(decision, view, nowMs)];
  }

  #view(outstandingSlots: number, nowMs: number): ScalingView {
    const { limits, maxIdleMs } = this.#options;
    const blocks = this.#table.view(nowMs);
    const peakSlots = this.#peak.observe(demandOf({ outstandingSlots, blocks }), nowMs);
    return { outstandingSlots, peakSlots, blocks, slotsPerBlock: this.#table.slotsPerBlock, limits, maxIdleMs, nowMs };
  }

  #in(decision: ScalingDecision, view: ScalingView, nowMs: number): readonly ScalingCommand[] {
    // The first blocks are there to be kept until all of them have come.
    if (this.#initial > 0) return [];
    const idle = view.blocks.filter(({ state, busySlots }) => state !== 'draining' && busySlots === 0);
    const ids = decision.in.filter((blockId) => idle.some((block) => block.blockId === blockId));
    return this.scaleIn(ids, nowMs);
  }

  #out(decision: ScalingDecision, view: ScalingView, nowMs: number): readonly ScalingCommand[] {
    const wanted = Math.max(this.#initial, wholeNumber(decision.out));
    const fail = this.#starve(view, wanted, nowMs);
    // Who has given up tries again for somebody who waits, not for the sake of having blocks.
    if (wanted === 0 || (this.#givenUp && view.outstandingSlots === 0)) return fail;
    if (this.#awaitsVerdict(nowMs)) return fail;
    const commands = this.scaleOut(wanted, nowMs);
    const started = commands.filter(({ kind }) => kind === 'submit').length;
    this.#initial = Math.max(0, this.#initial - started);
    if (started < wanted && this.#table.liveCount < view.limits.maxBlocks) this.#wakeAtMs = this.#nextSubmitMs(nowMs);
    return commands;
  }

  /** Before any block has worked, one that is given up is not replaced until it is known what it wrote: that decides. */
  #awaitsVerdict(nowMs: number): boolean {
    if (this.#table.everWorked) return false;
    return this.#table.live.some(
      ({ state }) =>
        state.kind === 'cancelling' &&
        state.reason === 'failed' &&
        nowMs - state.sinceMs < this.#options.connectDeadlineMs,
    );
  }

  #nextSubmitMs(nowMs: number): number | undefined {
    const pausedUntilMs = this.#breaker.isClosed ? nowMs : this.#breaker.nextMs();
    return pausedUntilMs === undefined ? undefined : Math.max(pausedUntilMs, this.#limiter.nextMs(nowMs));
  }

  /** Tasks that wait while there is no block, and none is wanted, would wait for ever. */
  #starve({ outstandingSlots, blocks }: ScalingView, wanted: number, nowMs: number): readonly ScalingCommand[] {
    const isHungry = outstandingSlots > 0 && blocks.length === 0 && wanted === 0;
    const hunger = this.#starvation.look(isHungry, nowMs);
    if (hunger.kind === 'waiting') this.#wakeAtMs = hunger.untilMs;
    if (hunger.kind !== 'starved') return [];
    const failed = this.#table.infos(nowMs).filter(hasFailed);
    const summary =
      'tasks wait, no block is left, and the scaling strategy starts none: choose another strategy, or start blocks by `scaleOut`';
    return [{ kind: 'fail', error: blocksFailed(summary, failed, this.#options.provider) }];
  }
}

function wholeNumber(count: number): number {
  return Number.isFinite(count) ? Math.max(0, Math.floor(count)) : 0;
}
