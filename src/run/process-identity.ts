import { readFileSync } from 'node:fs';

/**
 * When a process started, in clock ticks since boot: together with its pid it names one process for good, whereas a pid
 * is given again. `undefined` once the process is gone, and where there is no `/proc`. Source: proc(5), field 22 of
 * `/proc/pid/stat`, counted after the command's name, which may hold anything.
 */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ', STARTTIME + 1)[STARTTIME];
  } catch {
    return undefined;
  }
}

// The state, field 3, is the first one after the name.
const STARTTIME = 22 - 3;
