import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheFolder } from '../../../../src/data/cache/cache-folder.js';
import type { NodeCache } from '../../../../src/data/cache/node-cache.js';
import type { StageInTarget } from '../../../../src/data/staging.js';
import { ownerName } from '../../../../src/run/owner.js';
import { type CachePlace, cachePlace } from '../../../fixtures/cache/cache-place.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

/** A task that has contents of ten bytes, one after the other, and is over then. */
async function use(place: CachePlace, cache: NodeCache, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const inputs = cache.openFor(`task of ${key}`);
    await place.get(inputs, key, 10);
    await inputs.release();
  }
}

async function keysIn(cache: NodeCache): Promise<readonly string[]> {
  return (await cache.inspect()).names.map((name) => name.slice(0, name.indexOf('-'))).sort();
}

describe('the budget', () => {
  test('lets go what was used longest ago, and no more than has to go', async () => {
    const place = await cachePlace();
    let now = 1_000_000;
    const cache = place.open({ maxBytes: 35 }, { now: () => ++now });
    await use(place, cache, 'aa', 'bb', 'cc', 'aa', 'dd');
    expect(await keysIn(cache)).toEqual(['aa', 'cc', 'dd']);
    await use(place, cache, 'cc', 'ee');
    expect(await keysIn(cache)).toEqual(['cc', 'dd', 'ee']);
    expect(await cache.inspect()).toMatchObject({ bytes: 30, maxBytes: 35 });
    expect(place.fetched.get('aa')).toBe(1);
    await use(place, cache, 'aa');
    expect(place.fetched.get('aa')).toBe(2);
  });

  test('is one for all that use the folder', async () => {
    const place = await cachePlace();
    let now = 1_000_000;
    const caches = [0, 1, 2].map(() => place.open({ maxBytes: 25 }, { now: () => ++now }));
    for (const [index, key] of ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'].entries()) {
      await use(place, caches[index % 3] as NodeCache, key);
      expect((await (caches[0] as NodeCache).inspect()).bytes).toBeLessThanOrEqual(25);
    }
    expect(await keysIn(caches[1] as NodeCache)).toEqual(['ee', 'ff']);
  });

  test('counts evictions of each attempt', async () => {
    const place = await cachePlace();
    const cache = place.open({ maxBytes: 20 });
    await use(place, cache, 'aa', 'bb');
    const inputs = cache.openFor('large');
    await place.get(inputs, 'cc', 20);
    expect(await inputs.release()).toEqual({ hits: 0, misses: 1, hitBytes: 0, missBytes: 20, evictions: 2 });
  });

  test('never lets go what a task has: others are fetched for their task alone then', async () => {
    const place = await cachePlace();
    const cache = place.open({ maxBytes: 20 });
    const holding = cache.openFor('holding');
    const path = await place.get(holding, 'aa', 10);
    await use(place, cache, 'bb', 'cc');
    const inputs = cache.openFor('large');
    expect(await readFile(await place.get(inputs, 'dd', 15), 'latin1')).toBe('d'.repeat(15));
    expect(await inputs.release()).toMatchObject({ hits: 0, misses: 1 });
    expect(await keysIn(cache)).toEqual(['aa']);
    expect(await readFile(path, 'latin1')).toBe('a'.repeat(10));
    await holding.release();
    await use(place, cache, 'dd', 'bb');
    expect(await keysIn(cache)).toEqual(['bb', 'dd']);
  });

  test('does not let go what is just being fetched, though its task has given up', async () => {
    const place = await cachePlace();
    const cache = place.open({ maxBytes: 15 });
    const folder = cacheFolder({ directory: place.directory, isGuessable: false, maxBytes: 15, verify: 'stat' }, '');
    folder.ensure();
    await mkdir(join(folder.entries, 'aa-10/pins'), { recursive: true });
    const { symlink } = await import('node:fs/promises');
    await symlink(`${ownerName()}.1`, join(folder.entries, 'aa-10/filling'));
    await use(place, cache, 'bb');
    expect(await keysIn(cache)).toEqual(['aa']);
  });

  test('what does not fit at all goes past the cache', async () => {
    const place = await cachePlace();
    const cache = place.open({ maxBytes: 20 });
    await use(place, cache, 'aa');
    const inputs = cache.openFor('too large');
    expect(await readFile(await place.get(inputs, 'bb', 21), 'latin1')).toBe('b'.repeat(21));
    expect(await keysIn(cache)).toEqual(['aa']);
  });

  test('is half of what the disk has free, where it is not said, and 10 GiB at most', async () => {
    const place = await cachePlace();
    const cache = place.open({ maxBytes: undefined });
    await use(place, cache, 'aa');
    const { maxBytes } = await cache.inspect();
    expect(maxBytes).toBeGreaterThan(0);
    expect(maxBytes).toBeLessThanOrEqual(10 * 2 ** 30);
  });

  test('what killed tasks and killed fetches left goes first', async () => {
    const place = await cachePlace();
    const cache = place.open({ maxBytes: 20 });
    await use(place, cache, 'aa');
    const folder = cacheFolder({ directory: place.directory, isGuessable: false, maxBytes: 20, verify: 'stat' }, '');
    const dead = '1-1-00000000';
    await mkdir(join(folder.entries, 'bb-10', 'pins'), { recursive: true });
    await writeFile(join(folder.entries, 'bb-10', 'pins', `${dead}.1`), 'a killed task');
    await mkdir(join(folder.path, 'filling', `${dead}.2`), { recursive: true });
    await writeFile(join(folder.path, 'filling', `${dead}.2`, 'data'), 'half');
    await mkdir(join(folder.path, 'trash', `${dead}.3`), { recursive: true });
    const inputs = cache.openFor('next');
    await place.get(inputs, 'cc', 20);
    expect(await keysIn(cache)).toEqual(['cc']);
    expect(await place.leftovers()).toEqual([]);
  });
});

const canMount = tryMount();

function tryMount(): boolean {
  if (process.geteuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

describe.runIf(canMount)('a disk of a few megabytes', () => {
  let disk: string;
  beforeAll(async () => {
    disk = await mkdtemp(join(tmpdir(), 'sluice-small-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
  });
  afterAll(async () => {
    execFileSync('umount', [disk]);
    await rm(disk, { recursive: true });
  });

  const MIB = 2 ** 20;

  test('that fills up gets room by what can go; what has no room then is fetched past the cache', async () => {
    const place = await cachePlace();
    const cache = place.open({ directory: join(disk, 'cache'), maxBytes: 100 * MIB });
    for (const key of ['aa', 'bb', 'cc']) {
      const inputs = cache.openFor(key);
      await place.get(inputs, key, 3 * MIB);
      await inputs.release();
    }
    expect(await keysIn(cache)).toEqual(['cc']);
    const holding = cache.openFor('holding');
    await place.get(holding, 'cc', 3 * MIB);
    const inputs = cache.openFor('large');
    expect((await readFile(await place.get(inputs, 'dd', 6 * MIB))).length).toBe(6 * MIB);
    expect(await keysIn(cache)).toEqual(['cc']);
    expect(await readdir(join(disk, 'cache'), { recursive: true })).not.toContain('data.part');
    await holding.release();
  });

  test('and has no room for the task either says so', async () => {
    const place = await cachePlace();
    const cache = place.open({ directory: join(disk, 'other'), maxBytes: 100 * MIB });
    const fetch = async ({ suggestedPath }: StageInTarget) => {
      await writeFile(suggestedPath, Buffer.alloc(20 * MIB));
      return suggestedPath;
    };
    const inputs = cache.openFor('task');
    const suggestedPath = join(disk, 'here');
    const error = await failureOf(place.get(inputs, 'aa', 20 * MIB, { fetch, suggestedPath }));
    expect(error).toMatchObject({ code: 'ENOSPC' });
    expect((await cache.inspect()).names).toEqual([]);
  });
});
