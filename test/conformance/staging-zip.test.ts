import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createZipStaging } from '../../src/data/zip/zip-staging.js';
import { membersOf } from '../fixtures/staging/zip-archive.js';

stagingSuite(vitest, 'zip', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-place-'));
  const archive = join(folder, 'a b.zip');
  return {
    staging: createZipStaging(),
    urlOf: (name) => `zip:${archive.replace(' ', '%20')}/${name.split('/').map(encodeURIComponent).join('/')}`,
    names: () => membersOf(archive),
    // A separator to some programs.
    impossibleNames: ['back\\slash'],
    close: () => rm(folder, { recursive: true, force: true }),
  };
});
