import type { Candidate, RoutingPolicy } from './routing-policy.js';

/** The default policy: the executor with the smallest share of its capacity in use; the first of equals. */
export const leastLoaded: RoutingPolicy = {
  choose(candidates) {
    let [best] = candidates;
    if (best === undefined) throw new Error('a routing policy needs at least one candidate');
    if (candidates.length === 1) return best.label;
    let least = use(best);
    for (const candidate of candidates) {
      const share = use(candidate);
      if (share < least) [best, least] = [candidate, share];
    }
    return best.label;
  },
};

function use(candidate: Candidate): number {
  const { outstanding, capacity } = candidate.load();
  return capacity === 0 ? Number.POSITIVE_INFINITY : outstanding / capacity;
}
