import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheSettings } from '../../../../src/data/cache/cache-settings.js';
import { thrownBy } from '../../../fixtures/kernel/failure-of.js';

const own = join(tmpdir(), `sluice-cache-${process.geteuid?.()}`);

test('without a word, it is a folder of the user’s in the temporary one, as large as the disk allows', () => {
  expect(cacheSettings({}, {})).toEqual({ directory: own, isGuessable: true, maxBytes: undefined, verify: 'stat' });
});

test('the worker’s variables say where and how large, and the run’s options say it louder', () => {
  const environment = { SLUICE_CACHE_DIR: '/local/scratch', SLUICE_CACHE_MIB: '3' };
  expect(cacheSettings({}, environment)).toEqual({
    directory: '/local/scratch',
    isGuessable: false,
    maxBytes: 3 * 2 ** 20,
    verify: 'stat',
  });
  const options = { directory: '/fast', maxBytes: 7, verify: 'hash' } as const;
  expect(cacheSettings(options, environment)).toEqual({ ...options, isGuessable: false });
  expect(cacheSettings({}, { SLUICE_CACHE_DIR: '', SLUICE_CACHE_MIB: '' })).toMatchObject({ directory: own });
});

test('there is none where the run or the node wants none', () => {
  expect(cacheSettings(false, { SLUICE_CACHE_DIR: '/local' })).toBeUndefined();
  expect(cacheSettings({ verify: 'hash' }, { SLUICE_CACHE_MIB: '0' })).toBeUndefined();
  expect(cacheSettings({ maxBytes: 5 }, { SLUICE_CACHE_MIB: '0' })).toBeDefined();
});

test('on Lambda it is where Lambda lets it be', () => {
  const environment = { AWS_LAMBDA_FUNCTION_NAME: 'worker' };
  expect(cacheSettings({ directory: '/local/scratch' }, environment)).toMatchObject({
    directory: own,
    isGuessable: true,
  });
  const below = join(tmpdir(), 'mine');
  expect(cacheSettings({ directory: below }, environment)).toMatchObject({ directory: below, isGuessable: false });
});

test.each(['many', '-1', '1.5'])('SLUICE_CACHE_MIB=%s is refused', (text) => {
  expect(thrownBy(() => cacheSettings({}, { SLUICE_CACHE_MIB: text }))).toMatchObject({
    code: 'INVALID_OPTIONS',
    message: `SLUICE_CACHE_MIB is '${text}': it should be a whole number`,
  });
});
