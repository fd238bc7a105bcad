import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createLocalStaging } from '../../src/data/local/local-staging.js';

stagingSuite(vitest, 'local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-place-'));
  return {
    staging: createLocalStaging(),
    urlOf: (name) => pathToFileURL(join(folder, name)).href,
    names: () => readdir(folder),
    close: () => rm(folder, { recursive: true, force: true }),
  };
});
