import { killGroup } from '../../run/kill-group.js';
import { findMarked, signalMarked, workerMark } from '../../run/marked-processes.js';
import { ensureReaper, tellReaper } from '../../run/reaper-link.js';
import type { ProcessGroupChange } from '../../run/reaper-message.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import { attemptName } from '../../wire/task-envelope.js';

/** The process groups that commands run in, so that none outlives its attempt or the client. */
export interface ProcessGroups {
  /** Takes what threads report; anything else is ignored. */
  readonly onMessage: (message: unknown) => void;
  /** A command is about to start on a thread. */
  readonly expectOne: () => void;
  /** Ends whatever an attempt left running. */
  endAllOf(envelope: TaskEnvelope): void;
  close(): void;
}

interface GroupMessage extends ProcessGroupChange {
  readonly kind: 'processGroup';
  readonly attempt: string;
}

/**
 * Follows the groups of one pool; they also end when this process exits, and by its reaper when it is killed. A thread
 * ends what its commands leave: only where one ended under its command, which still has a group then, this does.
 */
export function createProcessGroups(): ProcessGroups {
  const running = new Map<number, GroupMessage>();
  const end = (group: GroupMessage): void => {
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
    onMessage(message) {
      if (!isGroupMessage(message)) return;
      if (message.running) running.set(message.pid, message);
      else running.delete(message.pid);
      tellReaper(message);
    },
    expectOne: ensureReaper,
    endAllOf(envelope) {
      const attempt = attemptName(envelope);
      for (const group of running.values()) if (group.attempt === attempt) end(group);
    },
    close() {
      process.off('exit', endAll);
      endAll();
    },
  };
}

function isGroupMessage(message: unknown): message is GroupMessage {
  return typeof message === 'object' && message !== null && (message as GroupMessage).kind === 'processGroup';
}
