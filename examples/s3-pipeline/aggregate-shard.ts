import type { DataFile } from 'sluice';
import type { Flight } from './flights.js';

/** Flights by delay in whole minutes. Histograms add up, and quantiles read from them are exact. */
export type Histogram = Map<number, number>;

/** What is known of some of the flights; two aggregates merge into one without loss. */
export interface Aggregate {
  readonly flights: number;
  /** By hour of the day, 0 to 23. */
  readonly hour: Map<number, Histogram>;
  /** By lower edge of the distance band, in miles. */
  readonly distance: Map<number, Histogram>;
}

/** Counts the flights of one shard by delay, per hour of the day and per distance band. */
export async function aggregateShard(shard: DataFile, bandEdgesMiles: readonly number[]): Promise<Aggregate> {
  const { createReadStream } = await import('node:fs');
  const { createInterface } = await import('node:readline');

  const count = (groups: Map<number, Histogram>, key: number, delay: number) => {
    const histogram = groups.get(key) ?? new Map<number, number>();
    groups.set(key, histogram.set(delay, (histogram.get(delay) ?? 0) + 1));
  };

  const hour = new Map<number, Histogram>();
  const distance = new Map<number, Histogram>();
  let flights = 0;
  for await (const line of createInterface({ input: createReadStream(shard.path) })) {
    const flight: Flight = JSON.parse(line);
    count(hour, Math.floor(flight.time), flight.delay);
    count(distance, bandEdgesMiles.findLast((edge) => edge <= flight.distance) ?? 0, flight.delay);
    flights += 1;
  }
  return { flights, hour, distance };
}
