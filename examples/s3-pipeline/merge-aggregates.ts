import type { Aggregate, Histogram } from './aggregate-shard.js';

/** Adds aggregates up: the result is as if their flights had been in one shard. */
export function mergeAggregates(parts: readonly Aggregate[]): Aggregate {
  const add = (sum: Map<number, Histogram>, groups: Map<number, Histogram>) => {
    for (const [key, histogram] of groups) {
      const total = sum.get(key) ?? new Map<number, number>();
      for (const [delay, flights] of histogram) total.set(delay, (total.get(delay) ?? 0) + flights);
      sum.set(key, total);
    }
  };

  const hour = new Map<number, Histogram>();
  const distance = new Map<number, Histogram>();
  let flights = 0;
  for (const part of parts) {
    add(hour, part.hour);
    add(distance, part.distance);
    flights += part.flights;
  }
  return { flights, hour, distance };
}
