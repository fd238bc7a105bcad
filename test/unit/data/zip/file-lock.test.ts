import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { takeLock } from '../../../../src/data/zip/file-lock.js';
import { type LockOwner, newOwner } from '../../../../src/data/zip/lock-owner.js';
import { startTicksOf } from '../../../../src/run/process-identity.js';
import { temporaryFolder } from '../temporary-folder.js';

const take = (options = {}) => takeLock(path, { signal: new AbortController().signal, timeoutMs: 60_000, ...options });
let folder: string;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder, 'lock');
});

/** A lock as a process that was killed leaves it. */
async function left(fields: Partial<LockOwner>): Promise<void> {
  await writeFile(path, JSON.stringify({ ...newOwner(), id: randomUUID(), ...fields }));
}

describe('a file lock', () => {
  test('has one holder at a time, and leaves nothing', async () => {
    let holders = 0;
    let most = 0;
    const work = async () => {
      const lock = await take();
      holders += 1;
      most = Math.max(most, holders);
      await new Promise(setImmediate);
      holders -= 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 12 }, work));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['that is gone', { pid: 2 ** 22 + 1 }],
    ['whose pid is that of another one now', { startTicks: String(Number(startTicksOf(process.pid)) - 1) }],
  ])('is taken at once from a process %s, by one of many', async (_, fields) => {
    await left(fields);
    let holders = 0;
    let most = 0;
    const work = async () => {
      const lock = await take();
      holders += 1;
      most = Math.max(most, holders);
      await new Promise(setImmediate);
      holders -= 1;
      await lock.release();
    };
    const begun = performance.now();
    await Promise.all(Array.from({ length: 12 }, work));
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  test('is taken from a host that gives no sign of life for long, and its holder hears of it', async () => {
    const slow = await take();
    const owner = JSON.parse(await readFile(path, 'utf8')) as LockOwner;
    await left({ ...owner, id: owner.id, place: 'elsewhere', host: 'elsewhere' });
    expect(await slow.isHeld()).toBe(true);
    // Its signs come every two seconds: more than one is missing here, were it not for them.
    const lock = await take({ staleMs: 100 });
    expect(await lock.isHeld()).toBe(true);
    expect(await slow.isHeld()).toBe(false);
    await slow.release();
    expect(await lock.isHeld()).toBe(true);
    await lock.release();
  });

  test('is not taken from a live one: who waits too long hears who has it', async () => {
    const lock = await take();
    await expect(take({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining(`process ${process.pid} of ${hostname()}`),
    });
    await lock.release();
  });

  test('waiting for it can be given up', async () => {
    const lock = await take();
    const stop = new AbortController();
    const waiting = take({ signal: stop.signal });
    stop.abort(new Error('not wanted'));
    await expect(waiting).rejects.toThrow('not wanted');
    expect(await lock.isHeld()).toBe(true);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('a file that is no lock is not touched', async () => {
    await writeFile(path, 'mine');
    await expect(take({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });
});
