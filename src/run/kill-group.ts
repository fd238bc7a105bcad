import { startTicksOf } from './process-identity.js';

/**
 * Sends a signal to a process group, and tells whether there was one of this user's. With the `startTicks` of the process that led it,
 * nothing is sent once another process bears its number: the number of a group whose members still run is never given
 * again.
 */
export function killGroup(pid: number, signal: NodeJS.Signals, startTicks?: string): 'sent' | 'none' {
  if (startTicks !== undefined && (startTicksOf(pid) ?? startTicks) !== startTicks) return 'none';
  try {
    process.kill(-pid, signal);
    return 'sent';
  } catch (error) {
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return 'none';
    throw error;
  }
}
