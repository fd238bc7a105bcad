import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createHttpStaging } from '../../src/data/http/http-staging.js';
import type { HttpStagingOptions } from '../../src/data/http/http-staging-options.js';
import type { Staging } from '../../src/data/staging.js';
import { descendants } from '../fixtures/htex/htex-run.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { startTransfer, type TransferPlan } from '../fixtures/staging/transfer.js';
import { findNginx, type Nginx, startNginx } from './nginx-server.js';

const MEBIBYTE = 1024 * 1024;
const { signal } = new AbortController();
const HTTP = ['data/http/http-staging.js', 'createHttpStaging'] as const;
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('base64');

describe.skipIf(!findNginx())('with nginx', () => {
  let nginx: Nginx;
  let folder: string;
  let stagings: Staging[];
  beforeAll(async () => {
    nginx = await startNginx();
  });
  afterAll(() => nginx?.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-http-'));
    stagings = [];
  });
  afterEach(async () => {
    for (const staging of stagings) await staging.close();
    await rm(folder, { recursive: true, force: true });
    for (const name of await readdir(nginx.place)) await rm(join(nginx.place, name), { recursive: true });
  });

  const staging = (options: HttpStagingOptions = {}) => {
    const created = createHttpStaging({ retry: { baseDelayMs: 1 }, ...options });
    stagings.push(created);
    return created;
  };
  const serve = async (size: number): Promise<Buffer> => {
    const content = randomBytes(size);
    await writeFile(join(nginx.place, 'data.bin'), content);
    return content;
  };
  const fetch = async (url: string, options: HttpStagingOptions = {}, onProgress?: (bytes: number) => void) => {
    const suggestedPath = join(folder, 'copy');
    await staging(options).stageIn(new DataFile(url), { suggestedPath, signal, onProgress });
    return readFile(suggestedPath);
  };
  const transfer = (plan: Omit<TransferPlan, 'staging' | 'path'>) =>
    startTransfer({ staging: HTTP, path: join(folder, 'copy'), ...plan });

  test('a server whose workers are killed again and again gives the right bytes in the end', async () => {
    const content = await serve(24 * MEBIBYTE);
    let progress = 0;
    let kills = 0;
    const onProgress = (bytes: number) => {
      progress += bytes;
      if (progress < (kills + 1) * 5 * MEBIBYTE) return;
      kills += 1;
      for (const pid of descendants(nginx.pid)) process.kill(pid, 'SIGKILL');
    };
    expect(sha256(await fetch(`${nginx.origin}/slow/data.bin`, {}, onProgress))).toBe(sha256(content));
    expect(kills).toBeGreaterThan(2);
  });

  test('a server that takes one connection at a time gives the file by that one', async () => {
    const content = await serve(40 * MEBIBYTE);
    expect(sha256(await fetch(`${nginx.origin}/one/data.bin`))).toBe(sha256(content));
  });

  test('a password opens what is private, in the URL or in the options, and its lack is told', async () => {
    const content = await serve(1000);
    const url = `${nginx.origin}/private/data.bin`;
    const error = await failureOf<Error>(fetch(url));
    expect(error).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringContaining('Basic') });
    expect(await fetch(url.replace('//', '//jo:secret-1@'))).toEqual(content);
    const sites = { [`${nginx.origin}/private/`]: { username: 'jo', password: 'secret-1' } };
    expect(await fetch(url, { sites })).toEqual(content);
  });

  test('redirects lead to the file, and to folders not', async () => {
    const content = await serve(1000);
    expect(await fetch(`${nginx.origin}/moved/data.bin`)).toEqual(content);
    await mkdir(join(nginx.place, 'folder'));
    const error = await failureOf<Error>(fetch(`${nginx.origin}/place/folder`));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('folder') });
  });

  test('a server that closes without an answer, or takes no writes, says so', async () => {
    const closed = await failureOf<Error>(
      fetch(`${nginx.origin}/closed/a`, { retry: { attempts: 2, baseDelayMs: 1 } }),
    );
    expect(closed).toMatchObject({ code: 'SERVICE_FAILED', message: expect.stringContaining('broken off') });
    await writeFile(join(folder, 'out'), randomBytes(9 * MEBIBYTE));
    const file = new DataFile(`${nginx.origin}/readonly/out`);
    const error = await failureOf<Error>(staging().stageOut(file, { path: join(folder, 'out'), signal }));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('PUT') });
  });

  test('a certificate must be known', async () => {
    const content = await serve(20 * MEBIBYTE);
    const url = `${nginx.secureOrigin}/place/data.bin`;
    const error = await failureOf<Error>(fetch(url));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
    const trusting = transfer({ direction: 'in', url, env: { NODE_EXTRA_CA_CERTS: nginx.certificate } });
    expect(await trusting.end).toMatchObject({ end: 'done' });
    expect(sha256(readFileSync(join(folder, 'copy')))).toBe(sha256(content));
  });

  test('memory stays the same however large the file', async () => {
    const size = 512 * MEBIBYTE;
    await writeFile(join(nginx.place, 'data.bin'), Buffer.alloc(size));
    const down = await transfer({ direction: 'in', url: `${nginx.origin}/place/data.bin` }).end;
    expect(down).toMatchObject({ end: 'done', rssMiB: expect.any(Number) });
    const up = await transfer({ direction: 'out', url: `${nginx.origin}/place/again.bin` }).end;
    expect(up).toMatchObject({ end: 'done' });
    for (const end of [down, up]) expect(end?.rssMiB).toBeLessThan(220);
  });

  test('a full disk is told, and leaves nothing', async () => {
    await serve(20 * MEBIBYTE);
    const plan = { direction: 'in', url: `${nginx.origin}/place/data.bin`, largestFileKiB: 5_000 } as const;
    expect(await transfer(plan).end).toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining('copy'),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('kill -9 in the midst leaves half a file under no name, here or there', async () => {
    await serve(64 * MEBIBYTE);
    const down = transfer({ direction: 'in', url: `${nginx.origin}/slow/data.bin` });
    await down.begun;
    down.process.kill('SIGKILL');
    expect(await down.end).toBeUndefined();
    expect(readdirSync(folder)).not.toContain('copy');
    await writeFile(join(folder, 'copy'), randomBytes(256 * MEBIBYTE));
    const up = transfer({ direction: 'out', url: `${nginx.origin}/place/out.bin` });
    await up.begun;
    up.process.kill('SIGKILL');
    expect(await up.end).toBeUndefined();
    expect(readdirSync(nginx.place)).toEqual(['data.bin']);
  });
});
