import { createObjectStaging, type OpenStore } from '../objects/object-staging.js';
import type { Staging } from '../staging.js';

/** Staging of `s3:` URLs, over stores that the caller opens and closes. */
export function createS3Staging({ openStore }: { readonly openStore: OpenStore }): Staging {
  return createObjectStaging({ scheme: 's3', openStore });
}
