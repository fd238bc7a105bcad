import { randomUUID } from 'node:crypto';
import { chown, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createFtpStaging } from '../../src/data/ftp/ftp-staging.js';
import type { FtpStagingOptions } from '../../src/data/ftp/ftp-staging-options.js';
import { type FtpManners, POLITE, ScriptedFtpServer } from '../fixtures/ftp/scripted-ftp-server.js';
import { findPureFtpd, startPureFtpd } from '../integration/pure-ftpd-server.js';
import { type FtpServerFixture, findVsftpd, startVsftpd } from '../integration/vsftpd-server.js';

interface Variant {
  readonly scheme: 'ftp' | 'ftps';
  readonly start: () => Promise<FtpServerFixture>;
  readonly options?: FtpStagingOptions;
  readonly impossibleNames?: readonly string[];
}

function suiteOver(name: string, { scheme, start, options = {}, impossibleNames = [] }: Variant): void {
  let server: FtpServerFixture;
  vitest.beforeAll(async () => {
    server = await start();
  });
  vitest.afterAll(() => server?.close());

  stagingSuite(vitest, name, async () => {
    const place = randomUUID();
    const path = join(server.folder, place);
    await mkdir(path);
    // Whoever owns the folder above is who the server writes as.
    const { uid, gid } = await stat(server.folder);
    await chown(path, uid, gid);
    return {
      staging: createFtpStaging({ ca: server.ca, ...options }),
      urlOf: (file) =>
        `${scheme}://${server.user}:${server.password}@127.0.0.1:${server.port}/${place}/${file.split('/').map(encodeURIComponent).join('/')}`,
      names: () => readdir(join(server.folder, place)),
      close: () => rm(join(server.folder, place), { recursive: true, force: true }),
      impossibleNames,
    };
  });
}

if (findVsftpd()) {
  suiteOver('ftp over vsftpd', { scheme: 'ftp', start: () => startVsftpd() });
  suiteOver('ftps over vsftpd', { scheme: 'ftps', start: () => startVsftpd({ tls: 'explicit' }) });
  suiteOver('ftps over vsftpd, TLS from the first byte on', {
    scheme: 'ftps',
    start: () => startVsftpd({ tls: 'implicit' }),
    options: { implicitTls: true },
  });
}

if (findPureFtpd()) {
  // "Prohibited file name", and those that it changes.
  const impossibleNames = ['back\\slash', ' spaces at both ends ', 'tab\tin'];
  suiteOver('ftp over pure-ftpd', { scheme: 'ftp', start: startPureFtpd, impossibleNames });
  suiteOver('ftps over pure-ftpd', { scheme: 'ftps', start: startPureFtpd, impossibleNames });
}

async function startScripted(manners: Partial<FtpManners> = {}): Promise<FtpServerFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-ftp-'));
  const server = await ScriptedFtpServer.start(folder);
  server.manners = { ...POLITE, ...manners };
  const { port } = server;
  const close = async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { port, user: 'alice', password: 'open-sesame', folder, ca: 'none', log: () => '', close };
}

suiteOver('ftp', { scheme: 'ftp', start: () => startScripted() });
suiteOver('ftp, of a server that can little', {
  scheme: 'ftp',
  start: () => startScripted({ mlsd: false, replaces: false, restart: 'no', missing: 'Failed.', connections: 2 }),
});
