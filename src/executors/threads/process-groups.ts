import { killGroup } from '../../run/kill-group.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import { attemptName } from '../../wire/task-envelope.js';

/** The process groups that commands run in, so that none outlives its attempt or the client. */
export interface ProcessGroups {
  /** Takes what threads report; anything else is ignored. */
  readonly onMessage: (message: unknown) => void;
  /** Ends whatever an attempt left running. */
  endAllOf(envelope: TaskEnvelope): void;
  close(): void;
}

interface GroupMessage {
  readonly kind: 'processGroup';
  readonly pid: number;
  readonly running: boolean;
  readonly attempt: string;
}

/** Follows the groups of one pool; they also end when this process exits. */
export function createProcessGroups(): ProcessGroups {
  const running = new Map<number, string>();
  const endAll = (): void => {
    for (const pid of running.keys()) killGroup(pid, 'SIGKILL');
    running.clear();
  };
  process.on('exit', endAll);
  return {
    onMessage(message) {
      if (!isGroupMessage(message)) return;
      if (message.running) running.set(message.pid, message.attempt);
      else running.delete(message.pid);
    },
    endAllOf(envelope) {
      const attempt = attemptName(envelope);
      for (const [pid, owner] of running) {
        if (owner !== attempt) continue;
        killGroup(pid, 'SIGKILL');
        running.delete(pid);
      }
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
