import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ExecutorFixture } from '../../src/conformance/executor/fixture.js';
import { createBackends } from '../../src/worker/backends.js';

/** A fixture's folder on this machine: below `parent`, or where temporary ones are. */
export async function localFiles(
  parent: string = tmpdir(),
): Promise<Omit<ExecutorFixture, 'executor' | 'coldStartMs'> & { readonly folder: string }> {
  const folder = await mkdtemp(join(parent, 'sluice-test-'));
  const backends = createBackends();
  return {
    folder,
    run: { runId: 'conformance', runDir: folder, openStore: backends.store },
    filesAt: pathToFileURL(folder).href,
    fetch: backends.fetch,
    markers: folder,
    async writeText(url, text) {
      await mkdir(dirname(fileURLToPath(url)), { recursive: true });
      await writeFile(fileURLToPath(url), text);
    },
    readText: (url) => readFile(fileURLToPath(url), 'utf8').catch(() => undefined),
    async close() {
      await backends.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
