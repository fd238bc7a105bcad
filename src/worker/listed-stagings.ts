import { createHash } from 'node:crypto';
import { matchingStaging } from '../data/matching-staging.js';
import type { Staging } from '../data/staging.js';
import { decode, encode } from '../wire/codec.js';
import type { ShippedEntry, ShippedList, ShippedStorage } from '../wire/shipped-storage.js';
import type { CodeBundle } from '../wire/task-envelope.js';
import { createOwnStaging } from './own-staging.js';
import { createBuiltIn, createBuiltIns, type OpenStoreWith } from './staging-table.js';

/** Imports the user's modules. */
export type LoadModule = (bundle: CodeBundle) => Promise<Readonly<Record<string, unknown>>>;

/**
 * The stagings of a list in its order, and then Sluice's own unless the list is all there is. Rejects with
 * `CODE_NOT_SHIPPABLE` for a module that makes none, and as loading it does; what was made by then is closed again.
 */
export async function createListedStagings(
  { list, bundles }: ShippedStorage,
  openStore: OpenStoreWith,
  load: LoadModule,
): Promise<readonly Staging[]> {
  const { entries, only } = decode(list) as ShippedList;
  const made: Staging[] = [];
  try {
    for (const entry of entries) {
      const staging = await create(entry, { bundles, openStore, load });
      made.push(entry.match === undefined ? staging : matchingStaging(staging, entry.match));
    }
    return only ? made : [...made, ...createBuiltIns(openStore)];
  } catch (error) {
    await Promise.allSettled(made.map((staging) => staging.close()));
    throw error;
  }
}

interface Parts {
  readonly bundles: readonly CodeBundle[];
  readonly openStore: OpenStoreWith;
  readonly load: LoadModule;
}

async function create(entry: ShippedEntry, { bundles, openStore, load }: Parts): Promise<Staging> {
  if (entry.kind === 'builtIn') {
    const { endpoint } = entry.options;
    const staging = createBuiltIn(entry.name, entry.options, openStore);
    return typeof endpoint === 'string' ? { ...staging, place: endpoint } : staging;
  }
  const bundle = bundles[entry.bundle] as CodeBundle;
  const staging = await createOwnStaging(await load(bundle), entry.options, entry.name);
  // What its URLs stand for may depend on its options, and on its code.
  const { bytes } = encode(entry.options);
  return { place: createHash('sha256').update(bundle.hash).update(bytes).digest('hex'), ...staging };
}
