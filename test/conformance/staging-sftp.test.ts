import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createSftpStaging } from '../../src/data/sftp/sftp-staging.js';
import { findSshd, type Sshd, startSshd } from '../integration/sshd-server.js';

if (findSshd()) {
  let sshd: Sshd;
  vitest.beforeAll(async () => {
    sshd = await startSshd();
  });
  vitest.afterAll(() => sshd?.close());

  stagingSuite(vitest, 'sftp over sshd', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-place-'));
    return {
      staging: createSftpStaging({ ssh: { configFile: sshd.configFile } }),
      urlOf: (name) => `sftp://localhost${folder}/${name.split('/').map(encodeURIComponent).join('/')}`,
      names: () => readdir(folder),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  });
}
