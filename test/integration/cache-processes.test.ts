import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Asker, startProcess, startThread } from '../fixtures/cache/asker.js';
import { type CachePlace, cachePlace } from '../fixtures/cache/cache-place.js';

const SIZE = 1_000_000;
let askers: Asker[] = [];

afterEach(async () => {
  for (const asker of askers) await asker.kill();
  askers = [];
});

describe.each([
  ['processes', startProcess],
  ['threads of one process', startThread],
] as const)('%s that share a cache', (_, start) => {
  let asked = 0;
  const ask = (place: CachePlace, key: string, maxBytes = 2 ** 30): Asker & { readonly path: string } => {
    asked += 1;
    const path = join(place.directory, '..', `asked-${asked}`);
    const asker = start({ directory: place.directory, maxBytes, key, size: SIZE, path });
    askers.push(asker);
    return { ...asker, path };
  };
  const has = async ({ path }: { readonly path: string }, key: string): Promise<void> => {
    expect((await readFile(path)).equals(Buffer.alloc(SIZE, key))).toBe(true);
  };

  test('fetch a content once: the second waits for the first', async () => {
    const place = await cachePlace();
    const first = ask(place, 'aa');
    await first.hear('fetching');
    const second = ask(place, 'aa');
    await second.hear('asking');
    first.go();
    await Promise.all([first.hear('have'), second.hear('have')]);
    await has(first, 'aa');
    await has(second, 'aa');
    expect(second.said).not.toContain('fetching');
    expect(await second.release()).toMatchObject({ hits: 1, misses: 0, hitBytes: SIZE });
    expect(await first.release()).toMatchObject({ hits: 0, misses: 1, missBytes: SIZE });
  });

  test('one is killed in the middle of its download: another takes over, from the beginning', async () => {
    const place = await cachePlace();
    const first = ask(place, 'aa');
    await first.hear('fetching');
    const others = [ask(place, 'aa'), ask(place, 'aa'), ask(place, 'aa')];
    await Promise.all(others.map((other) => other.hear('asking')));
    await first.kill();
    for (const other of others) other.go();
    await Promise.all(others.map((other) => other.hear('have')));
    for (const other of others) await has(other, 'aa');
    expect(others.filter(({ said }) => said.includes('fetching'))).toHaveLength(1);
    expect(await place.contents()).toHaveLength(1);
  });

  test('each that downloads is killed, but for the last one, which gets it', async () => {
    const place = await cachePlace();
    let waiting = Array.from({ length: 5 }, () => ask(place, 'aa'));
    await Promise.all(waiting.map((asker) => asker.hear('asking')));
    while (waiting.length > 1) {
      const fetching = await Promise.any(waiting.map(async (asker) => asker.hear('fetching').then(() => asker)));
      await fetching.kill();
      waiting = waiting.filter((asker) => asker !== fetching);
    }
    const [last] = waiting;
    last?.go();
    await last?.hear('have');
    await has(last ?? { path: '' }, 'aa');
    await place.open({ maxBytes: 1 }).openFor('sweeping').get(place.want('ff', 2));
    expect(await place.leftovers()).toEqual([]);
  });

  test('what one has is kept for it, until it is killed', async () => {
    const place = await cachePlace();
    const holder = ask(place, 'aa', SIZE);
    holder.go();
    await holder.hear('have');
    const past = ask(place, 'bb', SIZE);
    past.go();
    await past.hear('have');
    expect((await place.open().inspect()).names).toEqual([`aa-${SIZE}`]);
    await holder.kill();
    const next = ask(place, 'cc', SIZE);
    next.go();
    await next.hear('have');
    expect((await place.open().inspect()).names).toEqual([`cc-${SIZE}`]);
    expect(await next.release()).toMatchObject({ misses: 1, evictions: 1 });
    await has(past, 'bb');
  });
});
