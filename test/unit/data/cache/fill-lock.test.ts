import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { breakLock, type Filler, readFiller, releaseLock, takeLock } from '../../../../src/data/cache/fill-lock.js';
import { ownerName } from '../../../../src/run/owner.js';
import { temporaryFolder } from '../temporary-folder.js';

const dead = '1-1-00000000';
const alive = (name: string): string => `${ownerName()}.${name}`;

async function entryOfTheDead(): Promise<{ entry: string; filler: Filler }> {
  const entry = join(await temporaryFolder(), 'entry');
  await mkdir(entry);
  expect(await takeLock(entry, `${dead}.filler`)).toBe(true);
  const filler = await readFiller(entry);
  expect(filler).toMatchObject({ name: `${dead}.filler`, isAlive: false });
  return { entry, filler: filler as Filler };
}

test('a lock is one’s until it is released, by its holder', async () => {
  const entry = await temporaryFolder();
  expect(await takeLock(entry, alive('one'))).toBe(true);
  expect(await takeLock(entry, alive('other'))).toBe(false);
  await releaseLock(entry, alive('other'));
  expect(await readFiller(entry)).toMatchObject({ name: alive('one'), isAlive: true });
  await releaseLock(entry, alive('one'));
  expect(await readFiller(entry)).toBeUndefined();
  expect(await takeLock(join(entry, 'gone'), alive('one'))).toBe(false);
});

test('of many that break a dead one’s lock one does, and what is taken then stays taken', async () => {
  for (let round = 0; round < 20; round++) {
    const { entry, filler } = await entryOfTheDead();
    const breakers = Array.from({ length: 20 }, async (_, index) => {
      await breakLock(entry, filler, alive(`breaker-${index}`));
      return takeLock(entry, alive(`taker-${index}`));
    });
    // One may be asked before the lock is gone, and must not be the reason that nobody has it.
    const taken = (await Promise.all(breakers)).filter((isTaken) => isTaken);
    expect(taken.length).toBeLessThanOrEqual(1);
    if (taken.length === 0) expect(await takeLock(entry, alive('last'))).toBe(true);
    expect(await readdir(entry)).toEqual(['filling']);
  }
});

test('who saw the dead one’s lock long ago does not break what another one has taken since', async () => {
  const { entry, filler } = await entryOfTheDead();
  expect(await breakLock(entry, filler, alive('quick'))).toBe(true);
  expect(await takeLock(entry, alive('quick'))).toBe(true);
  await breakLock(entry, filler, alive('slow'));
  expect(await readFiller(entry)).toMatchObject({ name: alive('quick') });
});

test('a breaker that is killed at it is stood in for, and one that lives is left to it', async () => {
  const { entry, filler } = await entryOfTheDead();
  await symlink(`${dead}.breaker`, join(entry, `broken-${dead}.filler`));
  await symlink(`${dead}.second`, join(entry, `broken-${dead}.breaker`));
  expect(await breakLock(entry, filler, alive('third'))).toBe(true);
  expect(await readdir(entry)).toEqual([]);

  const other = await entryOfTheDead();
  await symlink(alive('at it'), join(other.entry, `broken-${dead}.filler`));
  expect(await breakLock(other.entry, other.filler, alive('third'))).toBe(false);
  expect(await readFiller(other.entry)).toMatchObject({ name: `${dead}.filler` });
});
