import { readFileSync } from 'node:fs';

/**
 * When a process started, in clock ticks since boot: together with its pid it names one process for good, whereas a pid
 * is given again. `undefined` once the process is gone, and where there is no `/proc`. Source: proc(5), field 22 of
 * `/proc/pid/stat`, counted after the command's name, which may hold anything.
 */
export function startTicksOf(pid: number): string | undefined {
  return fieldsOf(pid)?.[STARTTIME];
}

/**
 * Whether the process, or the thread, that started then still runs: one that has ended and whose parent has not taken
 * note of it (a zombie) does not. Threads have numbers of their own beside those of processes.
 */
export function isRunning(pid: number, startTicks: string): boolean {
  const fields = fieldsOf(pid);
  return fields?.[STARTTIME] === startTicks && !ENDED.has(fields[STATE] ?? '');
}

// The state, field 3, is the first one after the name.
const STATE = 0;
const STARTTIME = 22 - 3;
// "Z Zombie", "X Dead".
const ENDED: ReadonlySet<string> = new Set(['Z', 'X', 'x']);

function fieldsOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ', STARTTIME + 1);
  } catch {
    return undefined;
  }
}
