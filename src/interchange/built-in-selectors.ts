import type { TaskNeeds } from '../wire/pilot/pilot-task.js';
import type { Candidate, ManagerSelector } from './manager-selector.js';

/** Any. */
export function randomSelector(random: () => number): ManagerSelector {
  return { choose: (candidates) => at(candidates, Math.floor(random() * candidates.length)) };
}

/** Each in turn. */
export function roundRobinSelector(): ManagerSelector {
  let last = -1;
  return {
    choose: (candidates) => {
      const next = lowest(candidates, ({ arrival }) => (arrival > last ? arrival : arrival + WRAP));
      last = next.arrival;
      return next;
    },
  };
}

/** Managers of the newest block first, so that older ones run empty and can be given back. */
export function blockSelector(): ManagerSelector {
  const blocks = new Map<string, number>();
  return {
    choose: (candidates) => {
      for (const { blockId, arrival } of candidates) if (!blocks.has(blockId)) blocks.set(blockId, arrival);
      return lowest(candidates, ({ blockId, arrival }) => -(blocks.get(blockId) ?? 0) * WRAP + arrival);
    },
  };
}

/** The one with the most free slots; of equals, the one that came first. */
export function mostFreeSelector(): ManagerSelector {
  return { choose: (candidates) => lowest(candidates, ({ freeSlots, arrival }) => arrival - freeSlots * WRAP) };
}

/** The first of those that have the task's data; without such, the one with the most free slots. */
export function nearSelector(): ManagerSelector {
  const otherwise = mostFreeSelector();
  return {
    choose: (candidates, needs) => nearest(candidates, needs) ?? otherwise.choose(candidates, needs),
  };
}

function nearest(candidates: readonly Candidate[], needs: TaskNeeds | undefined): Candidate | undefined {
  for (const id of needs?.near ?? []) {
    const found = candidates.find((candidate) => candidate.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** More managers than ever come. */
const WRAP = 2 ** 26;

function lowest(candidates: readonly Candidate[], rank: (candidate: Candidate) => number): Candidate {
  let best = at(candidates, 0);
  let bestRank = rank(best);
  for (const candidate of candidates) {
    const its = rank(candidate);
    if (its >= bestRank) continue;
    best = candidate;
    bestRank = its;
  }
  return best;
}

function at(candidates: readonly Candidate[], index: number): Candidate {
  return candidates[index] as Candidate;
}
