import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { isRunning, startTicksOf } from './process-identity.js';

/**
 * Names the thread of this code for good: `<thread>-<start ticks>-<boot>`. It is in the name of whatever this thread has
 * on a disk for a while, so that others know whether it can still come back for it: a thread that was terminated cannot,
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

/** Whether the owner in front of a name was one of this machine, and is not any more. Of those elsewhere nobody knows. */
export function isOwnerGone(name: string): boolean {
  return NAME.exec(name)?.[3] === bootName() && !isOwnerAlive(name);
}

/** A name that begins with its owner's, and that nobody else gives. */
export function uniqueName(owner: string): string {
  lastNumber += 1;
  return `${owner}.${INSTANCE}${lastNumber}`;
}

/**
 * Tells one start of this machine from the next: what was written before the last one may not be whole. Containers have names
 * of their own: numbers of processes mean something within one namespace only (pid_namespaces(7)).
 */
export function bootName(): string {
  boot ??= `${readOr('/proc/sys/kernel/random/boot_id', '').slice(0, 8)}${namespaceName()}`;
  return boot;
}

const NAME = /^(\d+)-(\d+)-([0-9a-f]*)(\.|$)/;
/** Where there is no `/proc`, a process is known by its number alone. */
const UNKNOWN = '0';

// This module may be there twice in one thread.
const INSTANCE = randomBytes(4).toString('hex');
let lastNumber = 0;

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

function namespaceName(): string {
  try {
    return Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0).toString(16);
  } catch {
    return '';
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
