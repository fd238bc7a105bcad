import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder on a disk of its own that is soon full. */
export interface SmallDisk {
  readonly folder: string;
  close(): Promise<void>;
}

/** Mounts a disk of some MiB in memory, which only root may; elsewhere says so, and gives nothing. */
export async function mountSmallDisk(sizeMiB: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder], {
    stdio: 'ignore',
  });
  if (status !== 0) {
    console.warn('SKIPPED small disk: only root can mount one');
    await rm(folder, { recursive: true });
    return undefined;
  }
  return {
    folder,
    async close() {
      spawnSync('umount', ['-l', folder], { stdio: 'ignore' });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
