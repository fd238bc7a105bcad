/** A block that lives, as a strategy sees it. */
export interface ScalingBlock {
  readonly blockId: string;
  /** `pending`: no manager of it is connected. `running`: one is. `draining`: it will end, and takes no more tasks. */
  readonly state: 'pending' | 'running' | 'draining';
  /** Slots that take tasks; of a block whose managers have not all come, those it is expected to have. */
  readonly slots: number;
  readonly busySlots: number;
  /** Since it last had a task, in milliseconds; 0 while it has any. Of a pending block: its age. */
  readonly idleForMs: number;
}

/** The numbers of its provider. */
export interface ScalingLimits {
  readonly initBlocks: number;
  readonly minBlocks: number;
  readonly maxBlocks: number;
  /** Slots wanted for each task, 0 to 1. */
  readonly parallelism: number;
  readonly nodesPerBlock: number;
}

/** All that a strategy decides by. */
export interface ScalingView {
  /** Slots of all tasks that have no result yet, running ones included. */
  readonly outstandingSlots: number;
  /** The highest {@link demandOf} within the last `maxIdleMs`. */
  readonly peakSlots: number;
  /** Every block that has not ended, the oldest first. All of them count towards `maxBlocks`. */
  readonly blocks: readonly ScalingBlock[];
  /** Slots that a new block is expected to have. */
  readonly slotsPerBlock: number;
  readonly limits: ScalingLimits;
  /** How long a block may idle, in milliseconds. */
  readonly maxIdleMs: number;
  readonly nowMs: number;
}

/** What a strategy wants. */
export interface ScalingDecision {
  /** Blocks to add. Fewer are added where `maxBlocks` or the submit limits allow no more. */
  readonly out: number;
  /** Blocks to drain, or to cancel where nothing of them is connected. Those that have tasks are left alone. */
  readonly in: readonly string[];
}

/** Decides how many blocks there should be. Pure, cheap and synchronous: it is asked whenever something changed. */
export type ScalingStrategy = (view: ScalingView) => ScalingDecision;

/** The strategies that come with it, under Parsl's names. */
export type StrategyName = 'none' | 'simple' | 'htex-auto-scale';

/**
 * - `none`: `initBlocks` at the start, and never fewer than `minBlocks`; nothing by demand.
 * - `simple`: as many blocks as tasks times `parallelism` need; back to `minBlocks` once there has been no task for `maxIdleMs`.
 * - `htex-auto-scale`: the same, and blocks that idle are taken in while others still work, down to what is needed.
 *
 * The rules are Parsl's (parsl/jobs/strategy.py); they add blocks below one bound and take them in above another, which
 * lies higher, and so never do both, nor one after the other while nothing changes.
 */
export const STRATEGIES: Readonly<Record<StrategyName, ScalingStrategy>> = {
  none: (view) => ({ out: withinRoom(view, belowMinimum(view)), in: [] }),
  simple: (view) => decide(view, view.peakSlots > 0 ? [] : surplus(view)),
  'htex-auto-scale': (view) => decide(view, surplus(view)),
};

/** Slots that tasks want of blocks that stay: those that run on draining blocks end there. */
export function demandOf({ outstandingSlots, blocks }: Pick<ScalingView, 'outstandingSlots' | 'blocks'>): number {
  const ending = blocks.filter(({ state }) => state === 'draining');
  return Math.max(0, outstandingSlots - sumOf(ending, ({ busySlots }) => busySlots));
}

function decide(view: ScalingView, surplusIds: readonly string[]): ScalingDecision {
  const out = withinRoom(view, Math.max(belowMinimum(view), forDemand(view)));
  return { out, in: out > 0 ? [] : surplusIds };
}

const staying = ({ blocks }: ScalingView): readonly ScalingBlock[] =>
  blocks.filter(({ state }) => state !== 'draining');

function belowMinimum(view: ScalingView): number {
  return view.limits.minBlocks - staying(view).length;
}

function withinRoom({ limits, blocks }: ScalingView, wanted: number): number {
  return Math.max(0, Math.min(wanted, limits.maxBlocks - blocks.length));
}

// A hair of tolerance: 0.1 x 30 slots are not more than 3.
const ROUNDING = 1e-9;

function forDemand(view: ScalingView): number {
  const demand = demandOf(view);
  if (demand === 0) return 0;
  const slots = sumOf(staying(view), (block) => block.slots);
  // Where there is nothing to run on, one block is wanted however low the parallelism.
  return Math.max(slots === 0 ? 1 : 0, blocksFor(demand * view.limits.parallelism - slots, view));
}

function blocksFor(missingSlots: number, { slotsPerBlock }: ScalingView): number {
  return missingSlots <= ROUNDING ? 0 : Math.ceil(missingSlots / slotsPerBlock - ROUNDING);
}

/**
 * Blocks that can go: the newest pending ones first, then those that idle longest, while `minBlocks` and the slots of the
 * recent peak stay. Nothing that was just started or just used goes, and nothing connected goes while one waits in its stead.
 */
function surplus(view: ScalingView): readonly string[] {
  const blocks = staying(view);
  const taken: string[] = [];
  let slots = sumOf(blocks, (block) => block.slots);
  const needed = Math.max(view.peakSlots, demandOf(view));
  const canGo = (block: ScalingBlock): boolean =>
    block.busySlots === 0 &&
    block.idleForMs >= view.maxIdleMs &&
    blocks.length - taken.length > Math.max(view.limits.minBlocks, needed > 0 ? 1 : 0) &&
    slots - block.slots >= needed;
  const take = (candidates: readonly ScalingBlock[]): void => {
    for (const block of candidates) {
      if (!canGo(block)) continue;
      taken.push(block.blockId);
      slots -= block.slots;
    }
  };
  const pending = blocks.filter(({ state }) => state === 'pending');
  take(pending.toReversed());
  if (taken.length < pending.length) return taken;
  take(blocks.filter(({ state }) => state === 'running').sort((a, b) => b.idleForMs - a.idleForMs));
  return taken;
}

function sumOf(blocks: readonly ScalingBlock[], of: (block: ScalingBlock) => number): number {
  return blocks.reduce((sum, block) => sum + of(block), 0);
}
