import { spawnSync } from 'node:child_process';
import { SluiceError } from '../errors.js';

const ASK_MS = 5_000;

/** @throws {SluiceError} `INVALID_OPTIONS` where there is no `taskset`, by which workers are pinned to cores */
export function requireTaskset(affinity: string): void {
  const { error, status } = spawnSync('taskset', ['--version'], { stdio: 'ignore', timeout: ASK_MS });
  if (error === undefined && status === 0) return;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `cpuAffinity '${affinity}' needs the command taskset, which this node does not have: ` +
      "install util-linux there, or set cpuAffinity to 'none'",
  );
}
