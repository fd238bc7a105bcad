import type { JobStatus } from '../providers/provider.js';
import type { ManagerInfo } from '../wire/pilot/messages.js';
import { type BlockInfo, blockIdOf, byBlockNumber } from './block.js';
import { idleForMs, total } from './block-manager.js';
import { type Block, type BlockEvent, blockTransition } from './block-transition.js';
import type { ScalingBlock } from './strategy.js';

/** What a table knows of blocks before it has seen one, and how patient it is. Times in milliseconds. */
export interface BlockTableOptions {
  readonly nodesPerBlock: number;
  /** Slots that one node is expected to have until one has come. */
  readonly slotsPerNode: number;
  /** How long a job may run without a manager that is connected. */
  readonly connectDeadlineMs: number;
  /** How long a job may go on after its drained managers have left. */
  readonly jobEndGraceMs: number;
}

/** Ended blocks that are kept, for error handlers and for the curious. */
const ENDED_KEPT = 100;

/**
 * Blocks, their jobs and their managers, as providers and the interchange tell of them. Pure: the clock is passed in, and
 * every method returns the blocks whose state, job, note or number of managers is new.
 */
export class BlockTable {
  readonly #options: BlockTableOptions;
  readonly #live = new Map<string, Block>();
  #ended: readonly Block[] = [];
  #count = 0;
  #slotsSeen: number | undefined;
  #everWorked = false;
  #lastReport: readonly ManagerInfo[] = [];

  constructor(options: BlockTableOptions) {
    this.#options = options;
  }

  /** Blocks that have not ended, the oldest first. */
  get live(): readonly Block[] {
    return [...this.#live.values()];
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** Whether a manager of any block has ever connected. */
  get everWorked(): boolean {
    return this.#everWorked;
  }

  /** Slots that a block is expected to have: as many as the latest that was complete, else as configured. */
  get slotsPerBlock(): number {
    return this.#slotsSeen ?? Math.max(1, this.#options.slotsPerNode * this.#options.nodesPerBlock);
  }

  find(blockId: string): Block | undefined {
    return this.#live.get(blockId);
  }

  /** A new block, about to be submitted. */
  add(nowMs: number): BlockInfo {
    const blockId = blockIdOf(this.#count);
    this.#count += 1;
    const block: Block = {
      blockId,
      state: { kind: 'submitting' },
      managers: [],
      createdAtMs: nowMs,
      wasBusy: false,
    };
    this.#live.set(blockId, block);
    return infoOf(block, nowMs);
  }

  /** Something happened to one block; those that have ended, or never were, are left alone. */
  apply(blockId: string, event: BlockEvent, nowMs: number): readonly BlockInfo[] {
    const before = this.#live.get(blockId);
    if (before === undefined) return [];
    const after = blockTransition(before, event, nowMs);
    if (after === before) return [];
    this.#store(after);
    return isNews(before, after) ? [infoOf(after, nowMs)] : [];
  }

  /** What a provider says of jobs. Jobs that are not known here are ignored. */
  applyStatuses(statuses: readonly JobStatus[], nowMs: number): readonly BlockInfo[] {
    const byJob = new Map(statuses.map((status) => [status.jobId, status]));
    return this.live.flatMap(({ blockId, jobId }) => {
      const status = jobId === undefined ? undefined : byJob.get(jobId);
      return status === undefined ? [] : this.apply(blockId, { kind: 'status', status }, nowMs);
    });
  }

  /** All managers that are connected now. The very array of the last call is known to say nothing new. */
  applyManagers(report: readonly ManagerInfo[], nowMs: number): readonly BlockInfo[] {
    if (report === this.#lastReport) return [];
    this.#lastReport = report;
    const byBlock = groupByBlock(report);
    return this.live.flatMap(({ blockId }) =>
      this.apply(blockId, { kind: 'managers', managers: byBlock.get(blockId) ?? [] }, nowMs),
    );
  }

  /** Gives up blocks whose managers do not come, and jobs that do not end once theirs have left. */
  applyDeadlines(nowMs: number): readonly BlockInfo[] {
    return this.live.flatMap((block) => {
      const event = this.#overdue(block, nowMs);
      return event === undefined ? [] : this.apply(block.blockId, event, nowMs);
    });
  }

  /** Every block that is known, by number: all that live, and the latest that have ended. */
  infos(nowMs: number): readonly BlockInfo[] {
    return [...this.#ended, ...this.#live.values()].map((block) => infoOf(block, nowMs)).sort(byBlockNumber);
  }

  /** The blocks that live, as a strategy sees them. */
  view(nowMs: number): readonly ScalingBlock[] {
    return this.live.map((block) => ({
      blockId: block.blockId,
      state: stateInView(block),
      slots: this.#slotsOf(block, nowMs),
      busySlots: total(block.managers, ({ busySlots }) => busySlots),
      idleForMs: block.managers.length === 0 ? nowMs - block.createdAtMs : idleForMs(block.managers, nowMs),
    }));
  }

  #store(block: Block): void {
    if (block.state.kind === 'ended') {
      this.#live.delete(block.blockId);
      this.#ended = [...this.#ended, block].slice(-ENDED_KEPT);
      return;
    }
    this.#live.set(block.blockId, block);
    if (block.managers.length === 0) return;
    this.#everWorked = true;
    const slots = total(block.managers, (manager) => manager.slots);
    if (block.managers.length >= this.#options.nodesPerBlock && slots > 0) this.#slotsSeen = slots;
  }

  /** What its managers have that take tasks; what is expected of it while some of them are still to come. */
  #slotsOf(block: Block, nowMs: number): number {
    const slots = total(block.managers, (manager) => (manager.state === 'ready' ? manager.slots : 0));
    if (block.state.kind === 'draining' || block.state.kind === 'cancelling') return slots;
    if (block.managers.length === 0) return this.slotsPerBlock;
    const { nodesPerBlock, connectDeadlineMs } = this.#options;
    const waits = nowMs - (block.connectedAtMs ?? nowMs) < connectDeadlineMs;
    return block.managers.length < nodesPerBlock && waits ? Math.max(slots, this.slotsPerBlock) : slots;
  }

  #overdue({ state, aloneSinceMs, connectedAtMs, jobId }: Block, nowMs: number): BlockEvent | undefined {
    if (aloneSinceMs === undefined || jobId === undefined) return undefined;
    const { connectDeadlineMs, jobEndGraceMs } = this.#options;
    const aloneForMs = nowMs - aloneSinceMs;
    if (state.kind === 'draining') {
      if (aloneForMs < jobEndGraceMs) return undefined;
      return { kind: 'cancel', reason: state.by === 'order' ? 'scaledIn' : 'drained' };
    }
    if (state.kind === 'cancelling' || aloneForMs < connectDeadlineMs) return undefined;
    return {
      kind: 'cancel',
      reason: 'failed',
      message: overdueMessage(connectedAtMs === undefined, connectDeadlineMs),
    };
  }
}

function groupByBlock(report: readonly ManagerInfo[]): ReadonlyMap<string, readonly ManagerInfo[]> {
  const groups = new Map<string, ManagerInfo[]>();
  for (const manager of report) {
    const group = groups.get(manager.blockId);
    if (group === undefined) groups.set(manager.blockId, [manager]);
    else group.push(manager);
  }
  return groups;
}

function overdueMessage(never: boolean, deadlineMs: number): string {
  const what = never
    ? `its job runs, but none of its managers has connected within ${deadlineMs / 1000} s`
    : `its job runs, but all of its managers have been gone for ${deadlineMs / 1000} s`;
  return `${what}: look at what the job wrote, and whether its nodes can reach the address and port of the interchange (a firewall between them, the option for its address)`;
}

function stateInView({ state, managers }: Block): ScalingBlock['state'] {
  if (state.kind === 'draining' || state.kind === 'cancelling') return 'draining';
  return managers.length > 0 ? 'running' : 'pending';
}

function isNews(before: Block, after: Block): boolean {
  return (
    before.state !== after.state ||
    before.jobId !== after.jobId ||
    before.note !== after.note ||
    before.managers.length !== after.managers.length
  );
}

function infoOf(block: Block, nowMs: number): BlockInfo {
  const { blockId, jobId, state, note, managers, createdAtMs, connectedAtMs } = block;
  return {
    blockId,
    ...(jobId === undefined ? {} : { jobId }),
    state,
    ...(note === undefined ? {} : { note }),
    managers: managers.length,
    slots: total(managers, ({ slots }) => slots),
    busySlots: total(managers, ({ busySlots }) => busySlots),
    wasBusy: block.wasBusy,
    idleForMs: idleForMs(managers, nowMs),
    createdAtMs,
    ...(connectedAtMs === undefined ? {} : { connectedAtMs }),
  };
}
