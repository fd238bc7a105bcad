import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { netrcCredentials } from '../../../../src/data/ftp/netrc.js';
import { temporaryFolder } from '../temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

const TEXT = `
# of the department
machine one login alice password secret-1
machine two
  login bob
  account ignored
  password "with \\"quotes\\" and spaces"
macdef init
  machine three login nobody password nothing

machine one login carol password secret-2
default login anonymous password me@here
`;

async function look(host: string, user?: string) {
  const file = join(await temporaryFolder(), 'netrc');
  await writeFile(file, TEXT);
  return netrcCredentials(host, { user, file });
}

test.each([
  ['one', undefined, { user: 'alice', password: 'secret-1' }],
  ['one', 'carol', { user: 'carol', password: 'secret-2' }],
  ['two', undefined, { user: 'bob', password: 'with "quotes" and spaces' }],
  ['three', undefined, { user: 'anonymous', password: 'me@here' }],
  ['one', 'dave', undefined],
] as const)('%s for %s', async (host, user, credentials) => {
  expect(await look(host, user)).toEqual(credentials);
});

test('the file is where the environment says, and need not exist', async () => {
  const folder = await temporaryFolder();
  vi.stubEnv('NETRC', join(folder, 'mine'));
  expect(await netrcCredentials('one', {})).toBeUndefined();
  await writeFile(join(folder, 'mine'), 'machine one login eve password x');
  expect(await netrcCredentials('one', {})).toEqual({ user: 'eve', password: 'x' });
});

test('a file that cannot be read is named', async () => {
  const file = await temporaryFolder();
  await expect(netrcCredentials('one', { file })).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining(file),
  });
});
