import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataFile, FileLike } from '../data/data-file.js';
import type { FileIdentity } from '../data/staging.js';
import type { StagingManager } from '../data/staging-manager.js';
import type { StorageAccess } from '../data/storage-access.js';
import { storageAccessSchema } from '../data/storage-access-schema.js';
import { parseOptions } from '../parse-options.js';
import { createCodeShipper } from '../wire/code-shipping/bundle/code-shipper.js';
import type { ShippedStorage } from '../wire/shipped-storage.js';
import { createBackends } from '../worker/backends.js';
import type { LoadModule } from '../worker/listed-stagings.js';
import { loadBundle } from '../worker/load-bundle.js';
import { CLIENT, loadedStorage } from './storage/run-storage.js';
import { shipStorage } from './storage/ship-storage.js';

/** How a question about files is stopped, and who is asked. */
export interface FilesOptions {
  readonly signal?: AbortSignal;
  /** Who is asked, in order. Default: as the loaded kernel's config says, else Sluice's own. */
  readonly storageAccess?: StorageAccess;
}

/**
 * The files that a folder (`s3://bucket/2026/`) or a glob (`s3://bucket/2026/*.csv`) stands for, as inputs for apps, in
 * the order their store lists them in; only pages that can hold some of them are fetched.
 *
 * `*` and `?` stay within one segment of a name, `**` crosses them, `{a,b}` and `[a-z]` are alternatives, and `\` takes the
 * next character as it is. Names that begin with a dot are like all others.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` where nothing can be listed, `NO_STAGING`, or what the store says
 */
export function listFiles(pattern: FileLike, options: FilesOptions = {}): Promise<DataFile[]> {
  const { signal = NEVER } = options;
  return withStaging(options, async (staging) => {
    const files: DataFile[] = [];
    for await (const { file } of staging.list(pattern, signal)) files.push(file);
    return files;
  });
}

/**
 * Identities of those files that exist, by URL: whether they are there, how large they are and of what version, in as few
 * requests as their stores need. Ten thousand names of one folder of a bucket take ten.
 *
 * @throws {SluiceError} `NO_STAGING`, or what the store says
 */
export function identitiesOf(
  files: readonly FileLike[],
  options: FilesOptions = {},
): Promise<ReadonlyMap<string, FileIdentity>> {
  const { signal = NEVER } = options;
  return withStaging(options, (staging) => staging.identities(files, signal));
}

const NEVER: AbortSignal = new AbortController().signal;

async function withStaging<T>(
  { storageAccess }: FilesOptions,
  ask: (staging: StagingManager) => Promise<T>,
): Promise<T> {
  const folder = storageAccess === undefined ? undefined : await mkdtemp(join(tmpdir(), 'sluice-staging-'));
  const backends = createBackends();
  try {
    const storage = folder === undefined ? await loadedStorage() : await shippedIn(folder, storageAccess);
    const load: LoadModule = (bundle) => loadBundle(bundle, { scratchRoot: tmpdir(), fetch: backends.fetch });
    return await ask(await backends.stagingOf(storage, load));
  } finally {
    await backends.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function shippedIn(folder: string, storageAccess: unknown): Promise<ShippedStorage | undefined> {
  const checked = parseOptions(storageAccessSchema, storageAccess, 'storageAccess');
  return shipStorage(checked, CLIENT, createCodeShipper({ folder }));
}
