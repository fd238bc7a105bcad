import { SluiceError } from '../errors.js';

/** How cores are dealt out: `none`, `block`, `block-reverse`, `alternating`, or `list:` and the cores of each worker. */
export interface AffinityRequest {
  readonly affinity: string;
  /** Cores this process may use, ascending. */
  readonly cores: readonly number[];
  readonly workers: number;
}

/**
 * The cores of each worker, by rank; `undefined` for `none`. `block` gives each as many neighbours as all can have,
 * `block-reverse` the same from the end, `alternating` every n-th core; `list:0-1:2,3` says them for each worker.
 * Source: Parsl's process_worker_pool.py.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when a worker would have no core, or a list does not fit
 */
export function coresOfWorkers({ affinity, cores, workers }: AffinityRequest): readonly number[][] | undefined {
  if (affinity === 'none') return undefined;
  if (affinity.startsWith('list:')) return listedCores(affinity, workers);
  const each = Math.floor(cores.length / workers);
  if (each === 0) {
    throw refused(affinity, `${workers} workers cannot be pinned to ${cores.length} cores: set maxWorkersPerNode`);
  }
  const ranks = Array.from({ length: workers }, (_, rank) => rank);
  const block = (rank: number): number[] => cores.slice(each * rank, each * (rank + 1));
  switch (affinity) {
    case 'block':
      return ranks.map(block);
    case 'block-reverse':
      return ranks.map((rank) => block(workers - rank - 1));
    case 'alternating':
      return ranks.map((rank) => cores.filter((_, index) => index % workers === rank));
    default:
      throw refused(affinity, 'it is none, block, block-reverse, alternating, or list:0-1:2-3');
  }
}

/** Reads `0-3,8`, as `taskset -c` and `/proc/self/status` write lists of cores; `undefined` for anything else. */
export function parseCoreList(text: string): number[] | undefined {
  const cores: number[] = [];
  for (const range of text.trim().split(',')) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range);
    if (match === null) return undefined;
    const first = Number(match[1]);
    for (let core = first; core <= Number(match[2] ?? first); core++) cores.push(core);
  }
  return cores.length === 0 ? undefined : cores;
}

function listedCores(affinity: string, workers: number): number[][] {
  const lists = affinity.split(':').slice(1).map(parseCoreList);
  if (lists.length !== workers) throw refused(affinity, `it has ${lists.length} lists for ${workers} workers`);
  return lists.map((list) => {
    if (list === undefined) throw refused(affinity, 'a list of cores looks like 0-1,4');
    return list;
  });
}

function refused(affinity: string, why: string): SluiceError {
  return new SluiceError('INVALID_OPTIONS', `cpuAffinity '${affinity}': ${why}`);
}
