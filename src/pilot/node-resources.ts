import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { SluiceError } from '../errors.js';
import { cgroupLimits } from './cgroup-limits.js';
import { parseCoreList } from './cpu-affinity.js';
import type { NodeResources } from './worker-count.js';

/** What this node has for this process: the affinity it was started with, and its cgroups, are honoured. */
export interface DetectedNode extends NodeResources {
  /** Numbers of the cores it may use, ascending. */
  readonly coreList: readonly number[];
}

/**
 * Looks at the machine; `SLUICE_CORES` and `SLUICE_MEMORY_MIB` in `environment` say it instead.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when one of them is no positive number
 */
export function detectNode(environment: NodeJS.ProcessEnv): DetectedNode {
  const limits = cgroupLimits();
  const totalMiB = Math.floor(totalmem() / 2 ** 20);
  return {
    cores: numberIn(environment, 'SLUICE_CORES') ?? Math.min(availableParallelism(), limits.cores),
    memoryMiB: numberIn(environment, 'SLUICE_MEMORY_MIB') ?? Math.floor(Math.min(totalMiB, limits.memoryMiB)),
    coreList: allowedCores(),
  };
}

function numberIn(environment: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new SluiceError('INVALID_OPTIONS', `${name} is '${text}': it should be a number above 0`);
}

// proc(5): Cpus_allowed_list of /proc/self/status.
function allowedCores(): readonly number[] {
  const all = Array.from({ length: availableParallelism() }, (_, core) => core);
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return parseCoreList(list ?? '') ?? all;
  } catch {
    return all;
  }
}
