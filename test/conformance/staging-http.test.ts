import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { type StagingFixture, stagingSuite } from '../../src/conformance/staging-suite.js';
import { createHttpStaging } from '../../src/data/http/http-staging.js';
import type { HttpSite } from '../../src/data/http/http-staging-options.js';
import { ScriptedServer } from '../fixtures/http/scripted-server.js';
import { findNginx, type Nginx, startNginx } from '../integration/nginx-server.js';

async function fixtureOf(server: ScriptedServer, site: HttpSite = {}): Promise<StagingFixture> {
  return {
    staging: createHttpStaging({ sites: { [server.origin]: site } }),
    urlOf: (name) => `${server.origin}/place/${name.split('/').map(encodeURIComponent).join('/')}`,
    names: async () => [...server.files.keys()].map((path) => decodeURIComponent(path.slice('/place/'.length))),
    close: () => server.close(),
  };
}

stagingSuite(vitest, 'http', async () => fixtureOf(await ScriptedServer.start()));

stagingSuite(vitest, 'http, outputs moved to their names', async () =>
  fixtureOf(await ScriptedServer.start(), { upload: 'move' }),
);

stagingSuite(vitest, 'http, of a server without parts', async () => {
  const server = await ScriptedServer.start();
  server.manners = { ...server.manners, ranges: 'none' };
  return fixtureOf(server);
});

if (findNginx()) {
  let nginx: Nginx;
  vitest.beforeAll(async () => {
    nginx = await startNginx();
  });
  vitest.afterAll(() => nginx?.close());

  const onNginx = async (upload: 'put' | 'move'): Promise<StagingFixture> => ({
    staging: createHttpStaging({ sites: { [nginx.origin]: { upload } } }),
    urlOf: (name) => `${nginx.origin}/place/${name.split('/').map(encodeURIComponent).join('/')}`,
    names: () => readdir(nginx.place),
    close: async () => {
      for (const name of await readdir(nginx.place)) await rm(join(nginx.place, name), { recursive: true });
    },
  });
  stagingSuite(vitest, 'http on nginx', () => onNginx('put'));
  stagingSuite(vitest, 'http on nginx, outputs moved to their names', () => onNginx('move'));
}
