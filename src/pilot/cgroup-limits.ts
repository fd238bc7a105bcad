import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the cgroups of this process, and those above them, leave of a machine; `Infinity` for no limit. */
export interface CgroupLimits {
  readonly cores: number;
  readonly memoryMiB: number;
}

/** Reads a file of `/proc` or `/sys`; `undefined` when there is none. */
export type ReadText = (path: string) => string | undefined;

const ROOT = '/sys/fs/cgroup';

/**
 * Limits of both versions of cgroups, as schedulers and containers set them, often a few levels above the process. Sources:
 * https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max, memory.max) and cgroup-v1 (cpu.cfs_quota_us,
 * memory.limit_in_bytes; no limit is -1 there, or a number near 2^63).
 */
export function cgroupLimits(read: ReadText = readIfThere): CgroupLimits {
  let cores = Number.POSITIVE_INFINITY;
  let memoryBytes = Number.POSITIVE_INFINITY;
  for (const { controllers, folders } of hierarchies(read('/proc/self/cgroup') ?? '')) {
    for (const folder of folders) {
      const quota = controllers === '' || controllers.includes('cpu') ? coresIn(folder, read) : undefined;
      cores = Math.min(cores, quota ?? cores);
      const bytes = controllers === '' || controllers.includes('memory') ? bytesIn(folder, read) : undefined;
      memoryBytes = Math.min(memoryBytes, bytes ?? memoryBytes);
    }
  }
  return { cores, memoryMiB: memoryBytes / 2 ** 20 };
}

// Rows of cgroups(7): "0::/a/b" for version 2, "4:memory:/a/b" for each controller of version 1.
function hierarchies(text: string): { controllers: string; folders: string[] }[] {
  return text
    .split('\n')
    .map((row) => /^\d+:([^:]*):(\/.*)$/.exec(row))
    .filter((match) => match !== null)
    .map(([, controllers = '', path = '']) => {
      const root = controllers === '' ? ROOT : join(ROOT, controllers);
      return { controllers, folders: withParents(path).map((folder) => join(root, folder)) };
    });
}

function withParents(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/')).concat('');
}

function coresIn(folder: string, read: ReadText): number | undefined {
  const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').trim().split(' ');
  const old = () => [read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us'))] as const;
  const [quotaUs, periodUs] = period === undefined ? old() : [quota, period];
  return positive(Number(quotaUs) / Number(periodUs));
}

function bytesIn(folder: string, read: ReadText): number | undefined {
  return positive(Number(read(join(folder, 'memory.max')) ?? read(join(folder, 'memory.limit_in_bytes'))));
}

function positive(value: number): number | undefined {
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
