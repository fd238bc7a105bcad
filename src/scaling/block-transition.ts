import type { JobStatus } from '../providers/provider.js';
import type { ManagerInfo } from '../wire/pilot/messages.js';
import type { BlockEnd, BlockState, CancelReason } from './block.js';
import { type BlockManager, isBusy, seeManager } from './block-manager.js';

/** All that is known of a block. */
export interface Block {
  readonly blockId: string;
  readonly jobId?: string;
  readonly state: BlockState;
  readonly note?: string;
  readonly managers: readonly BlockManager[];
  readonly createdAtMs: number;
  readonly connectedAtMs?: number;
  /** Since when its job runs without a connected manager; absent while one is connected or the job is not known to run. */
  readonly aloneSinceMs?: number;
  /** Whether any of its managers was ever seen with a task. */
  readonly wasBusy: boolean;
}

/** What can happen to a block. */
export type BlockEvent =
  | { readonly kind: 'submitted'; readonly jobId: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'status'; readonly status: JobStatus }
  /** Its provider cannot be asked at the moment. */
  | { readonly kind: 'noStatus'; readonly message: string }
  /** All of its managers that are connected now. */
  | { readonly kind: 'managers'; readonly managers: readonly ManagerInfo[] }
  | { readonly kind: 'drain' }
  | { readonly kind: 'cancel'; readonly reason: CancelReason; readonly message?: string };

/**
 * The rule book of one block: what an event makes of it; the very same block when nothing changed. Pure.
 *
 * | state | event | becomes |
 * |---|---|---|
 * | submitting | submitted | pending |
 * | submitting, cancelling | refused | ended |
 * | pending | managers: some | running |
 * | running | managers: all of them drain | draining, by itself |
 * | running, draining | drain | draining, by order; cancelling where nobody is connected |
 * | any that lives | cancel | cancelling |
 * | any with a job | status: an end | ended |
 * | ended | any | unchanged |
 *
 * `unknown` is no end. Neither is `missing` while managers are connected: they know better.
 */
export function blockTransition(block: Block, event: BlockEvent, nowMs: number): Block {
  if (block.state.kind === 'ended') return block;
  switch (event.kind) {
    case 'submitted':
      return withState({ ...block, jobId: event.jobId }, block.state.kind === 'submitting' ? PENDING : block.state);
    case 'refused':
      return refused(block, event.message, nowMs);
    case 'status':
      return onStatus(block, event.status, nowMs);
    case 'noStatus':
      return withNote(block, event.message);
    case 'managers':
      return onManagers(block, event.managers, nowMs);
    case 'drain':
      // Nobody there has a task to finish, or would hear of it.
      if (block.managers.length === 0) return cancelling(block, { reason: 'scaledIn' }, nowMs);
      return block.state.kind === 'cancelling' ? block : withState(block, DRAINING_BY_ORDER);
    case 'cancel':
      return cancelling(block, event, nowMs);
  }
}

const PENDING: BlockState = { kind: 'pending' };
const DRAINING_BY_ORDER: BlockState = { kind: 'draining', by: 'order' };

function cancelling(
  block: Block,
  { reason, message }: { readonly reason: CancelReason; readonly message?: string },
  sinceMs: number,
): Block {
  if (block.state.kind === 'cancelling') return block;
  const said = message === undefined ? {} : { message };
  return withState(block, { kind: 'cancelling', reason, sinceMs, ...said });
}

function refused(block: Block, message: string, atMs: number): Block {
  const reason = block.state.kind === 'cancelling' ? endOfCancelled(block.state.reason) : 'failed';
  return withState(block, { kind: 'ended', reason, atMs, message });
}

function onStatus(block: Block, status: JobStatus, nowMs: number): Block {
  switch (status.state) {
    case 'unknown':
      return withNote(block, status.message ?? 'its provider cannot tell where its job is');
    case 'pending':
      return withNote(block, status.message);
    case 'held':
      return withNote(block, status.message ?? 'its job is held and will not start until it is released');
    case 'running': {
      const seen = withNote(block, status.message);
      return seen.managers.length > 0 || seen.aloneSinceMs !== undefined ? seen : { ...seen, aloneSinceMs: nowMs };
    }
    case 'missing':
      return block.managers.length > 0 ? block : ended(block, status, 'missing', nowMs);
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'timeout':
      return ended(block, status, status.state, nowMs);
  }
}

function ended(block: Block, status: JobStatus, seen: BlockEnd, atMs: number): Block {
  const { reason, message = status.message } = endOf(block, seen);
  const { managers: _gone, note: _old, aloneSinceMs: _alone, ...rest } = block;
  const { exitCode, stdoutTail, stderrTail } = status;
  const state: BlockState = {
    kind: 'ended',
    reason,
    atMs,
    ...(message === undefined ? {} : { message }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(stdoutTail === undefined ? {} : { stdoutTail }),
    ...(stderrTail === undefined ? {} : { stderrTail }),
  };
  return { ...rest, state, managers: [] };
}

const NEVER_CONNECTED = 'its job ended before any of its managers had connected';

/** What the end of a job means for its block. */
function endOf({ state, connectedAtMs }: Block, seen: BlockEnd): { reason: BlockEnd; message?: string } {
  if (state.kind === 'cancelling') {
    const reason = state.reason === 'closing' && seen === 'completed' ? seen : endOfCancelled(state.reason);
    return state.message === undefined ? { reason } : { reason, message: state.message };
  }
  if (state.kind === 'draining') {
    if (state.by === 'order') return { reason: 'scaledIn' };
    return { reason: seen === 'completed' || seen === 'missing' ? 'drained' : seen };
  }
  // A pilot that ends well before it has said a word has not done what it was started for.
  if (connectedAtMs === undefined && seen === 'completed') return { reason: 'failed', message: NEVER_CONNECTED };
  return { reason: seen };
}

function endOfCancelled(reason: CancelReason): BlockEnd {
  return reason === 'closing' ? 'cancelled' : reason;
}

function onManagers(block: Block, infos: readonly ManagerInfo[], nowMs: number): Block {
  if (infos.length === 0 && block.managers.length === 0) return block;
  const known = new Map(block.managers.map((manager) => [manager.id, manager]));
  const managers = infos.map((info) => seeManager(known.get(info.id), info, nowMs));
  const { aloneSinceMs: _before, ...rest } = block;
  const seen = { ...rest, managers, wasBusy: block.wasBusy || managers.some(isBusy) };
  if (managers.length === 0) return { ...seen, aloneSinceMs: nowMs };
  return withState({ ...seen, connectedAtMs: block.connectedAtMs ?? nowMs }, stateWith(managers, block.state));
}

function stateWith(managers: readonly BlockManager[], state: BlockState): BlockState {
  if (state.kind === 'cancelling' || (state.kind === 'draining' && state.by === 'order')) return state;
  const draining = managers.every((manager) => manager.state === 'draining' || manager.state === 'drained');
  if (draining) return state.kind === 'draining' ? state : { kind: 'draining', by: 'itself' };
  return state.kind === 'running' ? state : { kind: 'running' };
}

function withState(block: Block, state: BlockState): Block {
  return { ...block, state };
}

function withNote(block: Block, note: string | undefined): Block {
  // That a job cannot be cancelled is not taken back by hearing that it still runs.
  if (block.note === note || (note === undefined && block.state.kind === 'cancelling')) return block;
  const { note: _old, ...rest } = block;
  return note === undefined ? rest : { ...rest, note };
}
