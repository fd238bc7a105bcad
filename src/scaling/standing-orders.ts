import type { Block } from './block-transition.js';
import type { ScalingCommand } from './scaling-command.js';

/** Drains and cancels that have been decided and are not known to be done: given, and given again, until they are. Pure. */
export class StandingOrders {
  readonly #repeatAfterMs: number;
  // The last one of each block.
  readonly #given = new Map<string, { readonly kind: 'drain' | 'cancel'; readonly atMs: number }>();

  constructor(repeatAfterMs: number) {
    this.#repeatAfterMs = repeatAfterMs;
  }

  /** What is to be asked for now, all cancels in one. */
  due(live: readonly Block[], nowMs: number): readonly ScalingCommand[] {
    const drains = live.filter((block) => isUndrained(block) && this.#give('drain', block, nowMs));
    const cancels = live.filter((block) => isUncancelled(block) && this.#give('cancel', block, nowMs));
    const jobIds = cancels.flatMap(({ jobId }) => jobId ?? []);
    return [
      ...drains.map(({ blockId }): ScalingCommand => ({ kind: 'drain', blockId })),
      ...(jobIds.length === 0 ? [] : [{ kind: 'cancel' as const, jobIds }]),
    ];
  }

  /** The block has ended. */
  forget(blockId: string): void {
    this.#given.delete(blockId);
  }

  #give(kind: 'drain' | 'cancel', { blockId }: Block, nowMs: number): boolean {
    const given = this.#given.get(blockId);
    if (given?.kind === kind && nowMs - given.atMs < this.#repeatAfterMs) return false;
    this.#given.set(blockId, { kind, atMs: nowMs });
    return true;
  }
}

/** Is to drain, and has a manager that has not heard of it, or has come since. */
function isUndrained({ state, managers }: Block): boolean {
  if (state.kind !== 'draining' || state.by !== 'order') return false;
  return managers.some((manager) => manager.state === 'ready' || manager.state === 'held');
}

function isUncancelled({ state, jobId }: Block): boolean {
  return state.kind === 'cancelling' && jobId !== undefined;
}
