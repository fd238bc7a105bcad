import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning, startTicksOf } from '../run/process-identity.js';

/** Whose a scratch folder is; who looks at it from elsewhere cannot tell whether that one lives. */
interface Owner {
  readonly host: string;
  /** Numbers of processes mean something in it alone (pid_namespaces(7)). */
  readonly namespace: string;
  readonly boot: string;
  readonly pid: number;
  readonly ticks: string;
}

/** Makes a manager's scratch folder, with a note whose it is. */
export function claimScratch(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const owner: Owner = { ...here(), pid: process.pid, ticks: startTicksOf(process.pid) ?? '' };
  writeFileSync(join(folder, OWNER), JSON.stringify(owner));
}

/** Removes the scratch folders of managers that were killed on this machine. Never rejects: it is another's mess. */
export async function sweepScratch(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  await Promise.all(
    names.map(async (name) => {
      const folder = join(parent, name);
      const text = await readFile(join(folder, OWNER), 'utf8').catch(() => undefined);
      if (text === undefined || !isDead(text)) return;
      await rm(folder, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
    }),
  );
}

const OWNER = '.manager';

function isDead(text: string): boolean {
  try {
    const { host, namespace, boot, pid, ticks } = JSON.parse(text) as Owner;
    const now = here();
    // On a disk that machines share, two of them may have one name.
    const isOurs = host === now.host && boot === now.boot && namespace === now.namespace;
    return isOurs && ticks !== '' && !isRunning(pid, ticks);
  } catch {
    // It is just being written, or is none of ours.
    return false;
  }
}

function here(): Pick<Owner, 'host' | 'namespace' | 'boot'> {
  return {
    host: hostname(),
    namespace: textOf(() => readlinkSync('/proc/self/ns/pid')),
    boot: textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
  };
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
