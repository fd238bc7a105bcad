import { createObjectStaging, type OpenStore } from '../objects/object-staging.js';
import type { Staging } from '../staging.js';

/** Staging of `gs:` URLs, over stores that the caller opens and closes. */
export function createGcsStaging({ openStore }: { readonly openStore: OpenStore }): Staging {
  return createObjectStaging({ scheme: 'gs', openStore });
}
