import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModuleEntry, StagingEntry, StorageAccess } from '../../data/storage-access.js';
import { messageOf, SluiceError } from '../../errors.js';
import { rememberDefinition } from '../../wire/code-shipping/definition.js';
import type { CodeDestination, ShipCode } from '../../wire/code-shipping/ship-code.js';
import { encode } from '../../wire/codec.js';
import type { ShippedEntry, ShippedList, ShippedStorage } from '../../wire/shipped-storage.js';
import type { AppCode, CodeBundle } from '../../wire/task-envelope.js';
import { checkModule } from './custom-staging.js';

/**
 * A list as it travels to such workers, its modules bundled; `undefined` where it says nothing. Rejects with
 * `INVALID_OPTIONS`, and with `CODE_NOT_SHIPPABLE` for a module that cannot be bundled.
 */
export async function shipStorage(
  storage: StorageAccess | undefined,
  destination: CodeDestination,
  shipCode: ShipCode,
): Promise<ShippedStorage | undefined> {
  if (storage === undefined) return undefined;
  const only = 'only' in storage;
  const given = only ? storage.only : storage;
  if (given.length === 0 && !only) return undefined;
  const bundles: CodeBundle[] = [];
  const entries: ShippedEntry[] = [];
  for (const entry of given) entries.push(await shipEntry(entry, bundles, { destination, shipCode }));
  const list: ShippedList = { entries, only };
  const { bytes } = encode(list, { root: 'storageAccess' });
  const hash = createHash('sha256').update(bytes);
  for (const bundle of bundles) hash.update(bundle.hash);
  return { hash: hash.digest('hex'), list: bytes, bundles };
}

interface Way {
  readonly destination: CodeDestination;
  readonly shipCode: ShipCode;
}

async function shipEntry(entry: StagingEntry, bundles: CodeBundle[], way: Way): Promise<ShippedEntry> {
  if (entry.kind === 'builtIn') return (await import('./check-built-in.js')).checkBuiltIn(entry);
  const { module, ...rest } = checkModule(entry);
  const bundle = bundles.push(await bundleOf(entry, way)) - 1;
  return { ...rest, name: nameOf(module), bundle };
}

async function bundleOf({ module }: ModuleEntry, { destination, shipCode }: Way): Promise<CodeBundle> {
  const code: AppCode = {
    name: nameOf(module),
    kind: 'function',
    source: '',
    hash: createHash('sha256').update(`staging ${module}`).digest('hex'),
    io: false,
    arity: 0,
    definedIn: module,
    exportName: 'default',
  };
  rememberDefinition(code, { definedAt: fileURLToPath(module) });
  try {
    const { bundle } = await shipCode(code, destination);
    return bundle as CodeBundle;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(error.code, `customStaging('${module}'): ${messageOf(error)}`, { cause: error });
  }
}

function nameOf(module: string): string {
  return basename(fileURLToPath(module));
}
