import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createGlobusStaging } from '../../src/data/globus/globus-staging.js';
import { type GlobusManners, ScriptedGlobus } from '../fixtures/globus/scripted-globus.js';

vitest.afterEach(() => vitest.vi.unstubAllEnvs());

const suiteFor = (name: string, manners: Partial<GlobusManners>) =>
  stagingSuite(vitest, name, async () => {
    const [far, own] = await Promise.all(
      ['far', 'own'].map((kind) => mkdtemp(join(tmpdir(), `sluice-globus-${kind}-`))),
    );
    const [remote, mine] = [randomUUID(), randomUUID()];
    const globus = await ScriptedGlobus.start({ [remote]: far as string, [mine]: own as string });
    globus.manners = { ...globus.manners, ...manners };
    for (const [key, value] of Object.entries(globus.environment)) vitest.vi.stubEnv(key, value);
    return {
      staging: createGlobusStaging({
        endpointId: mine,
        endpointPath: '/',
        localPath: own as string,
        accessToken: 'valid-token',
        pollMs: 5,
        gatherMs: 5,
      }),
      urlOf: (file) => `globus://${remote}/${file.split('/').map(encodeURIComponent).join('/')}`,
      names: () => readdir(far as string),
      async close() {
        await globus.close();
        for (const folder of [far, own]) await rm(folder as string, { recursive: true, force: true });
      },
    };
  });

suiteFor('globus', {});
suiteFor('globus, of a collection whose renames do not replace', { rename: 'refuses' });
suiteFor('globus, of a collection without renames', { rename: 'unsupported' });
