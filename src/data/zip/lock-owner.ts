import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';
import { startTicksOf } from '../../run/process-identity.js';

/** Who holds a lock, as its file says. */
export interface LockOwner {
  /** Of this one hold. */
  readonly id: string;
  /** A host since it was started, and a container on it: within it, pids name processes. */
  readonly place: string;
  readonly host: string;
  readonly pid: number;
  /** See {@link startTicksOf}; absent where there are none. */
  readonly startTicks?: string | undefined;
}

const schema: z.ZodType<LockOwner> = z.object({
  id: z.string().regex(/^[\w-]+$/),
  place: z.string(),
  host: z.string(),
  pid: z.int().positive(),
  startTicks: z.string().optional(),
});

/** A new hold of this process. */
export function newOwner(): LockOwner {
  return {
    id: randomUUID(),
    place: placeOfProcess(),
    host: hostname(),
    pid: process.pid,
    startTicks: startTicksOf(process.pid),
  };
}

/** What the file of a lock says; `undefined` for one that says nothing of the kind. */
export function parseOwner(text: string): LockOwner | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether the owner's process is over for certain. Of other hosts and containers nothing is known here. */
export function isOver(owner: LockOwner): boolean {
  if (owner.startTicks === undefined || owner.place !== placeOfProcess()) return false;
  return startTicksOf(owner.pid) !== owner.startTicks;
}

// Sources: proc(5) on /proc/sys/kernel/random/boot_id, pid_namespaces(7) on /proc/pid/ns/pid.
function placeOfProcess(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
