import type { Row } from './row.js';

/** Measures the figures of a group, `runs` times each; gives on each row when it is known. */
export type Group = (runs: number, report: (row: Row) => void) => Promise<void>;

/** A new group of figures is one row here. */
const GROUPS: Readonly<Record<string, () => Promise<{ readonly measure: Group }>>> = {
  kernel: () => import('./figures/kernel.js'),
  threads: () => import('./figures/threads.js'),
  mix: () => import('./figures/mix.js'),
  memory: () => import('./figures/memory.js'),
  graphs: () => import('./figures/graphs.js'),
  import: () => import('./figures/import.js'),
  htex: () => import('./figures/htex.js'),
  transfers: () => import('./figures/transfers.js'),
  crowd: () => import('./figures/crowd.js'),
  lambda: () => import('./figures/lambda.js'),
  staging: () => import('./figures/staging.js'),
  metg: () => import('./figures/metg.js'),
};

export const GROUP_NAMES: readonly string[] = Object.keys(GROUPS);

export async function loadGroup(name: string): Promise<Group> {
  const load = GROUPS[name];
  if (load === undefined) throw new Error(`no group ${name}`);
  return (await load()).measure;
}
