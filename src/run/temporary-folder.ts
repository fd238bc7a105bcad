import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DataFile } from '../data/data-file.js';
import { localName, shortHash } from '../data/local-name.js';
import type { StagingManager } from '../data/staging-manager.js';
import type { TemporaryHomes } from '../data/temporary-homes.js';
import { runParallel } from '../object-store/run-parallel.js';

/** What is moved and removed elsewhere. */
type Elsewhere = Pick<StagingManager, 'copy' | 'list' | 'remove'>;

/**
 * {@link TemporaryHomes} in `temp/` of the run directory: `temp/<task>-<attempt>/<hash of the URL>/<name>`, so that neither
 * attempts nor files of one name meet. Files elsewhere, such as those in a bucket, are removed by their staging.
 */
export function createTemporaryFolder(runDir: string, elsewhere: () => Elsewhere): TemporaryHomes {
  const root = join(runDir, 'temp');
  const closing = new AbortController();
  const { signal } = closing;

  const removeHere = async (url: string): Promise<void> => {
    const folder = dirname(fileURLToPath(url));
    await rm(folder, { recursive: true, force: true });
    // Another file of the attempt may be there still, and another removal may have been first.
    await rmdir(dirname(folder)).catch(() => {});
  };

  const removeElsewhere = async (urls: readonly string[]): Promise<void> => {
    const files: DataFile[] = [];
    for (const url of urls) {
      if (!url.endsWith('/')) files.push(new DataFile(url));
      else for await (const { file } of elsewhere().list(url, signal)) files.push(file);
    }
    if (files.length > 0) await elsewhere().remove(files, signal);
  };

  return {
    placeFor(url, { taskId, attempt }) {
      const folder = join(root, `${taskId}-${attempt}`, shortHash(url));
      const home = pathToFileURL(join(folder, localName(new DataFile(url)))).href;
      return url.endsWith('/') ? `${home}/` : home;
    },
    async copy(from, to) {
      const target = new DataFile(to);
      if (!target.isFolder) {
        await mkdir(dirname(target.path), { recursive: true });
        await elsewhere().copy([{ source: new DataFile(from), target }], { signal });
        return;
      }
      const copies = [];
      for await (const { file: source, identity } of elsewhere().list(from, signal)) {
        copies.push({ source, identity, target: new DataFile(to + source.url.slice(from.length)) });
      }
      for (const { target: one } of copies) await mkdir(dirname(one.path), { recursive: true });
      await elsewhere().copy(copies, { signal });
    },
    async remove(urls) {
      const isHere = (url: string): boolean => url.startsWith('file:');
      await runParallel(urls.filter(isHere), { limit: PARALLEL_REMOVALS, signal }, removeHere);
      await removeElsewhere(urls.filter((url) => !isHere(url)));
    },
    async close() {
      closing.abort(new Error('the run is closed'));
      await rm(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const PARALLEL_REMOVALS = 8;
