import type { ManagerInfo } from '../wire/pilot/messages.js';

/** What scaling keeps of a connected manager. */
export interface BlockManager {
  readonly id: string;
  readonly state: ManagerInfo['state'];
  readonly slots: number;
  /** Slots that its tasks take, those that wait there included. */
  readonly busySlots: number;
  /** Absent while it has tasks. */
  readonly idleSinceMs?: number;
  /** The durations it was last told with, to tell a new report from an old one that is read again. */
  readonly told: Pick<ManagerInfo, 'idleForMs' | 'connectedForMs' | 'silentForMs'>;
}

/**
 * A manager as reported now. Reports hold durations and may be read long after they were made, so that an idle time is
 * counted from when its report was first seen. Who has just connected has not been idle before.
 */
export function seeManager(before: BlockManager | undefined, info: ManagerInfo, nowMs: number): BlockManager {
  const { id, state, slots, idleForMs, connectedForMs, silentForMs } = info;
  const busySlots = Math.max(info.usedSlots, info.outstanding);
  const seen: BlockManager = { id, state, slots, busySlots, told: { idleForMs, connectedForMs, silentForMs } };
  if (busySlots > 0) return seen;
  const same = before !== undefined && isSameReport(before.told, seen.told) ? before.idleSinceMs : undefined;
  return { ...seen, idleSinceMs: same ?? nowMs - Math.min(idleForMs, connectedForMs) };
}

function isSameReport(a: BlockManager['told'], b: BlockManager['told']): boolean {
  return a.idleForMs === b.idleForMs && a.connectedForMs === b.connectedForMs && a.silentForMs === b.silentForMs;
}

export function isBusy(manager: BlockManager): boolean {
  return manager.busySlots > 0;
}

/** How long none of these managers has had a task, in milliseconds; 0 while one has, or where there are none. */
export function idleForMs(managers: readonly BlockManager[], nowMs: number): number {
  if (managers.length === 0 || managers.some(isBusy)) return 0;
  return Math.max(0, nowMs - Math.max(...managers.map(({ idleSinceMs = nowMs }) => idleSinceMs)));
}

/** The sum of a figure of managers. */
export function total(managers: readonly BlockManager[], of: (manager: BlockManager) => number): number {
  return managers.reduce((sum, manager) => sum + of(manager), 0);
}
