import type { TestApi } from '../test-api.js';
import { bearers } from './bearers.js';
import { conditions } from './conditions.js';
import { errorsAndAborts } from './errors-and-aborts.js';
import type { Check, ObjectStoreFixture } from './fixture.js';
import { largeObjects } from './large-objects.js';
import { listing } from './listing.js';
import { roundTrips } from './round-trips.js';

/**
 * Holds an {@link ObjectStore} to its contract. `create` is called once a test and its fixture closed whatever happens.
 */
export function objectStoreSuite(api: TestApi, name: string, create: () => Promise<ObjectStoreFixture>): void {
  const check: Check = (title, body) =>
    api.test(title, async () => {
      const fixture = await create();
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });
  api.describe(`object store conformance: ${name}`, () => {
    roundTrips(check);
    conditions(check);
    listing(check);
    largeObjects(check);
    errorsAndAborts(check);
    bearers(check);
  });
}
