import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { givenTokens, type RefreshTokens, storedTokens } from '../../../../src/data/globus/globus-tokens.js';
import { temporaryFolder } from '../temporary-folder.js';

const { signal } = new AbortController();
const HOUR_MS = 60 * 60_000;

async function tokenFile(content: unknown, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(), 'globus.json');
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content), { mode });
  return path;
}

const stored = (expiresInMs: number, more: object = {}) => ({
  clientId: 'app',
  accessToken: 'access-1',
  refreshToken: 'refresh-1',
  expiresAt: Date.now() + expiresInMs,
  ...more,
});

/** Gives access-2, access-3, …, and notes what it was asked. */
function refresher(): { readonly asked: unknown[]; readonly refresh: RefreshTokens } {
  const asked: unknown[] = [];
  return {
    asked,
    refresh: async (request) => {
      asked.push(request);
      await new Promise((resolve) => setImmediate(resolve));
      return { accessToken: `access-${asked.length + 1}`, expiresInMs: HOUR_MS };
    },
  };
}

describe('tokens of a file', () => {
  test('are taken while they are valid', async () => {
    const { asked, refresh } = refresher();
    expect(await storedTokens(await tokenFile(stored(HOUR_MS)), refresh).current(signal)).toBe('access-1');
    expect(asked).toEqual([]);
  });

  test('that end soon are refreshed once for all who ask, and kept for others, who may not read them', async () => {
    const { asked, refresh } = refresher();
    const path = await tokenFile(stored(30_000));
    const tokens = storedTokens(path, refresh);
    expect(await Promise.all([1, 2, 3].map(() => tokens.current(signal)))).toEqual([
      'access-2',
      'access-2',
      'access-2',
    ]);
    expect(asked).toEqual([{ clientId: 'app', refreshToken: 'refresh-1' }]);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      accessToken: 'access-2',
      refreshToken: 'refresh-1',
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dirname(path))).toEqual(['globus.json']);
    expect(await storedTokens(path, refresh).current(signal)).toBe('access-2');
  });

  test('that are refused are renewed, unless somebody else has been first', async () => {
    const { asked, refresh } = refresher();
    const path = await tokenFile(stored(HOUR_MS));
    const tokens = storedTokens(path, refresh);
    expect(await tokens.renewed('access-0', signal)).toBe('access-1');
    expect(asked).toEqual([]);
    expect(await tokens.renewed('access-1', signal)).toBe('access-2');
  });

  test('without a refresh token end for good', async () => {
    const path = await tokenFile(stored(0, { refreshToken: undefined }));
    await expect(storedTokens(path, refresher().refresh).current(signal)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('log in again'),
    });
  });

  test('that others may read are refused, with what to do', async () => {
    const path = await tokenFile(stored(HOUR_MS));
    await chmod(path, 0o644);
    await expect(storedTokens(path, refresher().refresh).current(signal)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/chmod 600/),
    });
  });

  test('that are not there, or are none, are told, and never shown', async () => {
    const { refresh } = refresher();
    await expect(storedTokens('/nonexistent/globus.json', refresh).current(signal)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('/nonexistent/globus.json'),
    });
    for (const content of ['{"accessToken":"secret-word"', { accessToken: ['secret-word'] }]) {
      const path = await tokenFile(content);
      await expect(storedTokens(path, refresh).current(signal)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringMatching(/^(?!.*secret-word)/s),
      });
    }
  });
});

test('a token that is given is asked for anew when it was refused, and not taken twice', async () => {
  let token = 'one';
  const tokens = givenTokens(() => token);
  expect(await tokens.current(signal)).toBe('one');
  await expect(tokens.renewed('one', signal)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  token = 'two';
  expect(await tokens.renewed('one', signal)).toBe('two');
});
