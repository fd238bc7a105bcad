import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BAND_EDGES_MILES } from '../../../examples/s3-pipeline/bands.js';
import { FLIGHT_COUNT, type Flight, flightsPath } from '../../../examples/s3-pipeline/flights.js';
import { flightsAccountedFor, type ReportRow } from '../../../examples/s3-pipeline/report-rows.js';
import { straightReport } from '../../../examples/s3-pipeline/straight.js';
import { expectSameReport } from './expect-same-report.js';
import { reportByHand } from './run-by-hand.js';

const flights: readonly Flight[] = JSON.parse(readFileSync(flightsPath(), 'utf8'));

// Real flights, and made-up ones on the edges of hours and bands, where the dataset has none.
const someFlight = fc.oneof(
  fc.constantFrom(...flights.filter((_, index) => index % 97 === 0)),
  fc.record({
    delay: fc.oneof(fc.constantFrom(14, 15, 16), fc.integer({ min: -60, max: 180 })),
    distance: fc.constantFrom(...BAND_EDGES_MILES.flatMap((edge) => [edge, edge + 1, edge + 249])),
    time: fc.oneof(fc.integer({ min: 0, max: 23 }), fc.double({ min: 0, max: 23.99, noNaN: true })),
  }),
);

describe('the report of the flights', () => {
  test('the dataset has the flights the job promises to account for', () => {
    expect(flights).toHaveLength(FLIGHT_COUNT);
    expect(FLIGHT_COUNT).toBe(231_083);
  });

  test.each([1, 5, 24])('of all flights in %i shards is what sorting them all at once gives', async (shards) => {
    const report = await reportByHand(deal(flights, shards));
    expectSameReport(report, straightReport(flights));
    expect(flightsAccountedFor(report)).toBe(FLIGHT_COUNT);
  });

  test('does not depend on how flights are split over shards, empty shards included', {
    timeout: 120_000,
  }, async () => {
    const split = fc.array(someFlight, { minLength: 1, maxLength: 400 }).chain((some) =>
      fc.record({
        some: fc.constant(some),
        shards: fc.integer({ min: 1, max: 20 }),
        places: fc.array(fc.nat(), { minLength: some.length, maxLength: some.length }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(split, async ({ some, shards, places }) => {
        const parts = Array.from({ length: shards }, (_, shard) =>
          some.filter((_, index) => (places[index] ?? 0) % shards === shard),
        );
        expectSameReport(await reportByHand(parts), straightReport(some));
      }),
      { numRuns: 40 },
    );
  });

  test('that lost a flight on the way is refused', async () => {
    const rows = await reportByHand([flights.slice(0, 1000)]);
    const [first, ...others] = rows;
    const short = [{ ...(first as ReportRow), flights: 0 }, ...others];
    expect(() => flightsAccountedFor(short)).toThrow('the report has 1000 flights, but ');
  });
});

function deal(all: readonly Flight[], shards: number): Flight[][] {
  return Array.from({ length: shards }, (_, shard) => all.filter((_, index) => index % shards === shard));
}
