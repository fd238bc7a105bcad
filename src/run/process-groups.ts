import { killGroup } from './kill-group.js';
import { findMarked, signalMarked, workerMark } from './marked-processes.js';
import { ensureReaper, tellReaper } from './reaper-link.js';
import type { ProcessGroupChange } from './reaper-message.js';

/** The process groups that commands run in, so that none outlives its attempt or this process. */
export interface ProcessGroups {
  /** Takes what a worker reports of a group; `owner` names what it ends with: an attempt, a worker. */
  follow(owner: string, change: ProcessGroupChange): void;
  /** A command is about to start on a worker. */
  readonly expectOne: () => void;
  /** Ends whatever an owner left running. */
  endAllOf(owner: string): void;
  close(): void;
}

interface Group extends ProcessGroupChange {
  readonly owner: string;
}

/**
 * Follows the groups of this process's workers; they also end when it exits, and by its reaper when it is killed. A
 * worker ends what its commands leave: only where one ended under its command, which still has a group then, this does.
 */
export function createProcessGroups(): ProcessGroups {
  const running = new Map<number, Group>();
  const end = (group: Group): void => {
    running.delete(group.pid);
    if (killGroup(group.pid, 'SIGKILL', group.startTicks) === 'none') return;
    signalMarked(findMarked([{ SLUICE_WORKER: workerMark(), SLUICE_ATTEMPT: group.mark }]), 'SIGKILL');
    tellReaper({ ...group, running: false });
  };
  const endAll = (): void => {
    for (const group of running.values()) end(group);
  };
  process.on('exit', endAll);
  return {
    follow(owner, change) {
      if (change.running) running.set(change.pid, { ...change, owner });
      else running.delete(change.pid);
      tellReaper(change);
    },
    expectOne: ensureReaper,
    endAllOf(owner) {
      for (const group of running.values()) if (group.owner === owner) end(group);
    },
    close() {
      process.off('exit', endAll);
      endAll();
    },
  };
}
