import { readFileSync, readlinkSync } from 'node:fs';
import { isRunning, startTicksOf } from '../../run/process-identity.js';

/**
 * Names the thread of this code for good: `<thread>-<start ticks>-<boot>`. It is in the name of whatever this thread has
 * in a cache's folder, so that others know whether it can still come back for it: a thread that was terminated cannot,
 * though its process lives.
 */
export function ownerName(): string {
  own ??= `${threadNumber()}-${startTicksOf(threadNumber()) ?? UNKNOWN}-${bootName()}`;
  return own;
}

/** Whether the owner in front of a name (up to its first `.`) is still there. */
export function isOwnerAlive(name: string): boolean {
  const [, thread = '', ticks = '', boot = ''] = NAME.exec(name) ?? [];
  if (boot !== bootName()) return false;
  return ticks === UNKNOWN ? isThere(Number(thread)) : isRunning(Number(thread), ticks);
}

/** Tells one start of this machine from the next: what was written before the last one may not be whole. */
export function bootName(): string {
  boot ??= readOr('/proc/sys/kernel/random/boot_id', '').slice(0, 8);
  return boot;
}

const NAME = /^(\d+)-(\d+)-([0-9a-f]*)(\.|$)/;
/** Where there is no `/proc`, a process is known by its number alone. */
const UNKNOWN = '0';

let own: string | undefined;
let boot: string | undefined;

// proc(5), /proc/thread-self: "pid/task/tid" of the thread that reads it; synchronous calls are made by this one.
function threadNumber(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return process.pid;
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
