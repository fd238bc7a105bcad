import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createFtpStaging } from '../../src/data/ftp/ftp-staging.js';
import type { FtpStagingOptions } from '../../src/data/ftp/ftp-staging-options.js';
import type { Staging } from '../../src/data/staging.js';
import { createTlsFiles } from '../fixtures/network/tls-files.js';
import { mountSmallDisk } from './small-disk.js';
import { runAppsOver } from './staging-apps.js';
import { killInTransfer, transferInProcess } from './staging-process.js';
import { type FtpServerFixture, findVsftpd, startVsftpd } from './vsftpd-server.js';

const { signal } = new AbortController();
const MEBIBYTE = 2 ** 20;

describe.runIf(findVsftpd())('ftp with vsftpd', () => {
  let plain: FtpServerFixture;
  let secure: FtpServerFixture;
  let near: string;
  const made: Staging[] = [];
  beforeAll(async () => {
    plain = await startVsftpd();
    secure = await startVsftpd({ tls: 'explicit' });
  });
  afterAll(async () => {
    await plain?.close();
    await secure?.close();
  });
  beforeEach(async () => {
    near = await mkdtemp(join(tmpdir(), 'sluice-near-'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all(made.splice(0).map((one) => one.close()));
    await rm(near, { recursive: true, force: true });
    for (const { folder } of [plain, secure]) {
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
    }
  });

  function stagingWith(options: FtpStagingOptions = {}): Staging {
    const one = createFtpStaging({ netrcFile: false, ...options });
    made.push(one);
    return one;
  }
  const urlOf = (
    { user, password, port }: FtpServerFixture,
    name: string,
    { scheme = 'ftp', host = '127.0.0.1' } = {},
  ) => `${scheme}://${user}:${password}@${host}:${port}/${name.split('/').map(encodeURIComponent).join('/')}`;

  describe('TLS', () => {
    const identity = (options: FtpStagingOptions, host = '127.0.0.1') =>
      stagingWith(options).identity(new DataFile(urlOf(secure, 'none', { scheme: 'ftps', host })));

    test('is trusted by the certificate of who signed the server’s, for the names in it', async () => {
      expect(await identity({ ca: secure.ca })).toBeUndefined();
      expect(await identity({ ca: [secure.ca] }, 'localhost')).toBeUndefined();
    });

    test.each([
      ['nobody that Node knows', {}],
      ['somebody else', { ca: 'other' }],
    ])('that %s vouches for is HOST_NOT_TRUSTED, with what to do', async (_, options: FtpStagingOptions) => {
      await createTlsFiles(near);
      const ca = options.ca === undefined ? {} : { ca: await readFile(join(near, 'ca.pem'), 'utf8') };
      await expect(identity(ca)).rejects.toMatchObject({
        code: 'HOST_NOT_TRUSTED',
        class: 'usage',
        message: expect.stringMatching(/ftps:\/\/anonymous@127\.0\.0\.1.*NODE_EXTRA_CA_CERTS/),
      });
    });

    test('for another name is HOST_NOT_TRUSTED', async () => {
      const other = await startVsftpd({ tls: 'explicit', names: 'DNS:elsewhere.example.org' });
      try {
        const url = urlOf(other, 'none', { scheme: 'ftps' });
        await expect(stagingWith({ ca: other.ca }).identity(new DataFile(url))).rejects.toMatchObject({
          code: 'HOST_NOT_TRUSTED',
          message: expect.stringContaining('127.0.0.1 is not in the cert'),
        });
      } finally {
        await other.close();
      }
    });

    test('that a server wants is told to those who come without', async () => {
      await expect(stagingWith().identity(new DataFile(urlOf(secure, 'none')))).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringContaining('write ftps:'),
      });
    });

    test('is spoken for many files at a time', async () => {
      const names = Array.from({ length: 20 }, (_, index) => `f${index}`);
      for (const name of names) await writeFile(join(secure.folder, name), name.repeat(10_000));
      const staging = stagingWith({ ca: secure.ca });
      const paths = names.map((name) =>
        staging.stageIn(new DataFile(urlOf(secure, name, { scheme: 'ftps' })), {
          suggestedPath: join(near, name),
          signal: new AbortController().signal,
        }),
      );
      const texts = await Promise.all((await Promise.all(paths)).map((path) => readFile(path, 'utf8')));
      expect(texts).toEqual(names.map((name) => name.repeat(10_000)));
    });
  });

  test('a wrong password is ACCESS_DENIED', async () => {
    const wrong = urlOf({ ...plain, password: 'wrong' }, 'none');
    await expect(stagingWith().identity(new DataFile(wrong))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test('more connections than the server takes are waited for', async () => {
    const strict = await startVsftpd({ lines: ['max_clients=2'] });
    try {
      const names = Array.from({ length: 8 }, (_, index) => `f${index}`);
      for (const name of names) await writeFile(join(strict.folder, name), randomBytes(MEBIBYTE));
      const staging = stagingWith();
      await Promise.all(
        names.map(async (name) => {
          const path = await staging.stageIn(new DataFile(urlOf(strict, name)), {
            suggestedPath: join(near, name),
            signal: new AbortController().signal,
          });
          expect((await readFile(path)).equals(await readFile(join(strict.folder, name)))).toBe(true);
        }),
      );
      await staging.close();
    } finally {
      await strict.close();
    }
  });

  test('a full disk there is told, and nothing is left on it', async () => {
    const disk = await mountSmallDisk(4);
    if (disk === undefined) return;
    const full = await startVsftpd({ root: disk.folder });
    try {
      const path = join(near, 'data');
      await writeFile(path, randomBytes(12 * MEBIBYTE));
      await expect(stagingWith().stageOut(new DataFile(urlOf(full, 'data')), { path, signal })).rejects.toMatchObject({
        code: 'TRANSFER_FAILED',
        message: expect.stringMatching(/disk there full/),
      });
      expect(await readdir(disk.folder)).toEqual([]);
    } finally {
      await full.close();
      await disk.close();
    }
  });

  describe('a process that is killed', () => {
    test('while it writes leaves nothing under the final name, and the next one is not disturbed', async () => {
      const path = join(near, 'data');
      const content = randomBytes(200 * MEBIBYTE);
      await writeFile(path, content);
      const transfer = { direction: 'out', path, url: urlOf(plain, 'data') } as const;
      await killInTransfer(transfer, plain.folder);
      expect(await readdir(plain.folder)).toEqual([expect.stringMatching(/^\..*\.part$/)]);
      await transferInProcess(transfer);
      expect((await readFile(join(plain.folder, 'data'))).equals(content)).toBe(true);
      const listed: string[] = [];
      for await (const { file } of stagingWith().list?.(new DataFile(urlOf(plain, '')), signal) ?? [])
        listed.push(file.filename);
      expect(listed).toEqual(['data']);
    });

    test('while it reads leaves nothing under the final name, and the next one is not disturbed', async () => {
      const content = randomBytes(200 * MEBIBYTE);
      await writeFile(join(plain.folder, 'data'), content);
      const transfer = { direction: 'in', path: near, url: urlOf(plain, 'data') } as const;
      await killInTransfer(transfer, near);
      expect((await readdir(near, { recursive: true })).filter((name) => name.endsWith('/data'))).toEqual([]);
      const { path } = await transferInProcess(transfer);
      expect((await readFile(path)).equals(content)).toBe(true);
    });
  });

  test.each(['in', 'out'] as const)('memory does not grow with the file (%s)', async (direction) => {
    const path = join(direction === 'in' ? plain.folder : near, 'data');
    await writeFile(path, randomBytes(300 * MEBIBYTE));
    const { growthMiB } = await transferInProcess({
      direction,
      url: urlOf(plain, 'data'),
      path: direction === 'in' ? near : path,
    });
    expect(growthMiB).toBeLessThan(150);
  });

  test('apps read and write files of a server over TLS, and wait for them; no password is written down', async () => {
    vi.stubEnv('SLUICE_FTP_OPTIONS', JSON.stringify({ ca: secure.ca, netrcFile: false }));
    const written = await runAppsOver({
      urlOf: (name) => urlOf(secure, name, { scheme: 'ftps' }),
      async write(name, text) {
        await mkdir(dirname(join(secure.folder, name)), { recursive: true });
        await writeFile(join(secure.folder, name), text);
      },
      read: (name) => readFile(join(secure.folder, name), 'utf8'),
    });
    expect(written).not.toContain(secure.password);
  });
});
