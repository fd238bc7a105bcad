import type { DataFile, FileLike } from '../data/data-file.js';
import type { FileIdentity } from '../data/staging.js';
import { type Backends, createBackends } from '../worker/backends.js';

/** How a question about files is stopped. */
export interface FilesOptions {
  readonly signal?: AbortSignal;
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
export function listFiles(pattern: FileLike, { signal = NEVER }: FilesOptions = {}): Promise<DataFile[]> {
  return withBackends(async (backends) => {
    const files: DataFile[] = [];
    for await (const { file } of backends.staging().list(pattern, signal)) files.push(file);
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
  { signal = NEVER }: FilesOptions = {},
): Promise<ReadonlyMap<string, FileIdentity>> {
  return withBackends((backends) => backends.staging().identities(files, signal));
}

const NEVER: AbortSignal = new AbortController().signal;

async function withBackends<T>(ask: (backends: Backends) => Promise<T>): Promise<T> {
  const backends = createBackends();
  try {
    return await ask(backends);
  } finally {
    await backends.close();
  }
}
