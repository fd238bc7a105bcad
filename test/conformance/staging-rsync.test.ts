import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createRsyncStaging } from '../../src/data/rsync/rsync-staging.js';
import { findRsync, type RsyncDaemon, startRsyncDaemon } from '../integration/rsync-daemon.js';

if (findRsync()) {
  let daemon: RsyncDaemon;
  let count = 0;
  vitest.beforeAll(async () => {
    daemon = await startRsyncDaemon();
  });
  vitest.afterAll(() => daemon?.close());

  stagingSuite(vitest, 'rsync', async () => {
    count += 1;
    const below = `t${count}`;
    await mkdir(join(daemon.place, below));
    return {
      staging: createRsyncStaging(),
      urlOf: (name) => `${daemon.origin}/place/${below}/${name.split('/').map(encodeURIComponent).join('/')}`,
      names: () => readdir(join(daemon.place, below)),
      close: () => rm(join(daemon.place, below), { recursive: true, force: true }),
    };
  });
}
