import { expect, test } from 'vitest';
import { DataFile } from '../../../src/data/data-file.js';
import { lazyStaging } from '../../../src/data/lazy-staging.js';
import type { ListedFile, Staging } from '../../../src/data/staging.js';

const SIGNAL = new AbortController().signal;
const FILE = new DataFile('far://host/a');
const IDENTITY = { tag: 't', size: 1 };

const real: Staging = {
  name: 'far',
  schemes: ['far'],
  capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
  canStageIn: () => true,
  canStageOut: () => true,
  stageIn: async (_, { suggestedPath }) => suggestedPath,
  stageOut: async () => IDENTITY,
  identity: async () => IDENTITY,
  async *list(folder) {
    yield { file: folder, identity: IDENTITY };
  },
  remove: async () => {},
  close: async () => {},
};

function lazy(staging: Staging = real) {
  const calls: string[] = [];
  const open = async () => {
    calls.push('open');
    return { ...staging, close: async () => void calls.push('close') };
  };
  return { calls, staging: lazyStaging(staging, open) };
}

test('a staging is opened by its first request, once, and every request is passed on', async () => {
  const { calls, staging } = lazy();
  expect(staging.canStageIn(FILE)).toBe(true);
  expect(staging.canStageIn(new DataFile('s3://bucket/a'))).toBe(false);
  expect(calls).toEqual([]);
  expect(await staging.stageIn(FILE, { suggestedPath: '/tmp/a', signal: SIGNAL })).toBe('/tmp/a');
  expect(await staging.stageOut(FILE, { path: '/tmp/a', signal: SIGNAL })).toBe(IDENTITY);
  expect(await staging.identity(FILE)).toBe(IDENTITY);
  const listed: ListedFile[] = [];
  for await (const found of staging.list?.(FILE, SIGNAL) ?? []) listed.push(found);
  expect(listed).toEqual([{ file: FILE, identity: IDENTITY }]);
  await staging.remove?.([FILE], SIGNAL);
  await staging.close();
  expect(calls).toEqual(['open', 'close']);
});

test('one that nobody asked anything is closed without being opened', async () => {
  const { calls, staging } = lazy();
  await staging.close();
  expect(calls).toEqual([]);
});

test('what a staging cannot do, its lazy form cannot either', () => {
  const { capabilities } = real;
  const { staging } = lazy({ ...real, capabilities: { ...capabilities, stageOut: false, list: false, remove: false } });
  expect(staging.canStageOut(FILE)).toBe(false);
  expect(staging.list ?? staging.remove).toBeUndefined();
});

test('when it cannot be opened, every request says why', async () => {
  const staging = lazyStaging(real, () => Promise.reject(new Error('no such package')));
  await expect(staging.identity(FILE)).rejects.toThrow('no such package');
  await expect(staging.remove?.([FILE], SIGNAL)).rejects.toThrow('no such package');
  await staging.close();
});
