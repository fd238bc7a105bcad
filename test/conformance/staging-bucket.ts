import type { StagingFixture } from '../../src/conformance/staging-suite.js';
import type { Staging } from '../../src/data/staging.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';

/** A fixture whose place is the folder `place/` of a bucket. */
export function fixtureOf(store: ObjectStore, staging: Staging): StagingFixture {
  return {
    staging,
    urlOf: (name) => `${staging.schemes[0]}://bucket/place/${name}`,
    names: async () => {
      const names: string[] = [];
      for await (const { key } of store.listAfter('place/')) names.push(key.slice('place/'.length));
      return names;
    },
    close: () => store.close(),
  };
}
