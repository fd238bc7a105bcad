import { execFileSync } from 'node:child_process';
import type { SlotsGrant } from '../wire/worker/worker-message.js';

const TASKSET_MS = 5_000;

/**
 * Gives this process more than its own share of the node, for one task: variables, and cores where workers are pinned.
 * Takes it back when the answer is called. Source for `-a` (all threads) and `-p`: taskset(1).
 */
export function applyGrant({ variables, cores }: SlotsGrant): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const coresBefore = cores === undefined ? undefined : pin(cores);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    if (coresBefore !== undefined) pin(coresBefore);
  };
}

/** Answers with the list of cores before: `taskset` tells it first. */
function pin(cores: string): string | undefined {
  const text = execFileSync('taskset', ['-acp', cores, String(process.pid)], { encoding: 'utf8', timeout: TASKSET_MS });
  return /current affinity list: (\S+)/.exec(text)?.[1];
}
