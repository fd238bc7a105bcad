import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CopySource } from '../../../src/data/bring-input.js';
import { createNodeCache } from '../../../src/data/cache/node-cache.js';
import { DataFile } from '../../../src/data/data-file.js';
import type { Staging } from '../../../src/data/staging.js';
import { createStagingManager } from '../../../src/data/staging-manager.js';
import { temporaryFolder } from './temporary-folder.js';

const { signal } = new AbortController();

/** A store of two files in a folder, whose contents are their names. */
function scriptedStore(fetched: string[], version = '1'): Staging {
  const names = ['a', 'below/b'];
  const identity = (url: string) => ({ tag: version, size: url.slice('mem://d/'.length).length });
  return {
    name: 'memory',
    schemes: ['mem'],
    capabilities: { stageOut: false, list: true, remove: false, identity: 'content' },
    canStageIn: ({ scheme }) => scheme === 'mem',
    canStageOut: () => false,
    async stageIn({ url }, { suggestedPath }) {
      fetched.push(url);
      await writeFile(suggestedPath, url.slice('mem://d/'.length));
      return suggestedPath;
    },
    stageOut: () => Promise.reject(new Error('it only reads')),
    identity: async ({ url }) => identity(url),
    async *list() {
      for (const name of names) yield { file: new DataFile(`mem://d/${name}`), identity: identity(`mem://d/${name}`) };
    },
    close: async () => undefined,
  };
}

async function stage(files: readonly string[], elsewhere: (url: string) => CopySource | undefined, maxBytes = 2 ** 20) {
  const folder = await temporaryFolder();
  const cache = createNodeCache({ directory: join(folder, 'cache'), isGuessable: false, maxBytes, verify: 'stat' });
  const fetched: string[] = [];
  const cached = cache.openFor('a task');
  const paths = await createStagingManager([scriptedStore(fetched)]).stageIn(
    files.map((url) => new DataFile(url)),
    { directory: folder, signal, cached, elsewhere },
  );
  const { held } = cached;
  const usage = await cached.release();
  await cache.close();
  return { paths, fetched, usage, held: [...held] };
}

/** Gives what it is asked for, of so many bytes. */
const generous: CopySource = async ({ size }, { suggestedPath }) => {
  await writeFile(suggestedPath, 'x'.repeat(size));
  return true;
};
const empty: CopySource = async () => false;

test('an input comes from who has a copy, and is counted as such', async () => {
  const { paths, fetched, usage, held } = await stage(['mem://d/a'], () => generous);
  expect(await readFile(paths.get('mem://d/a') as string, 'utf8')).toBe('x');
  expect(fetched).toEqual([]);
  expect(usage).toMatchObject({ hits: 0, misses: 1, fromPeers: 1, peerBytes: 1 });
  expect(held).toEqual(['mem://d/a']);
});

test('and from its store where nobody gives one, or nobody is known to', async () => {
  for (const elsewhere of [() => empty, () => undefined]) {
    const { paths, fetched, usage, held } = await stage(['mem://d/a'], elsewhere);
    expect(await readFile(paths.get('mem://d/a') as string, 'utf8')).toBe('a');
    expect(fetched).toEqual(['mem://d/a']);
    expect(usage).not.toHaveProperty('fromPeers');
    expect(held).toEqual(['mem://d/a']);
  }
});

test('the files of a folder come from who has the folder, each by its content', async () => {
  const asked: string[] = [];
  const elsewhere = (url: string): CopySource => {
    asked.push(url);
    return generous;
  };
  const { paths, fetched, usage, held } = await stage(['mem://d/'], elsewhere);
  expect(await readFile(join(paths.get('mem://d/') as string, 'below/b'), 'utf8')).toBe('x'.repeat(7));
  expect([asked, fetched, held]).toEqual([['mem://d/'], [], ['mem://d/']]);
  expect(usage).toMatchObject({ misses: 2, fromPeers: 2, peerBytes: 8 });
});

test('a node that has no room for an input gets it from others all the same, and does not say that it has it', async () => {
  const { fetched, usage, held } = await stage(['mem://d/below/b'], () => generous, 3);
  expect([fetched, held]).toEqual([[], []]);
  expect(usage).toMatchObject({ misses: 1, fromPeers: 1 });
});

test('what a copy fails with beside the nodes themselves is the task’s to know', async () => {
  const broken: CopySource = () => Promise.reject(new Error('no such device'));
  await expect(stage(['mem://d/a'], () => broken)).rejects.toThrow('no such device');
});
