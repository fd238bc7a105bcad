import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  app,
  bash,
  type DataFile,
  HighThroughputExecutor,
  type HighThroughputOptions,
  type Io,
  load,
  ThreadPoolExecutor,
} from 'sluice';
import { afterEach, expect, test, vi } from 'vitest';
import { descendants } from '../fixtures/htex/htex-run.js';
import { ownDisks } from '../fixtures/htex/peer-nodes.js';
import { temporaryFolder } from '../unit/data/temporary-folder.js';

/** A kernel over two nodes, each with a disk of its own, and threads of this process. */
async function nodes(options: Partial<HighThroughputOptions> = {}) {
  const folder = await temporaryFolder();
  const htex = new HighThroughputExecutor({
    label: 'nodes',
    maxWorkersPerNode: 1,
    heartbeatMs: 300,
    heartbeatThresholdMs: 2_000,
    strategy: 'none',
    managerSelection: 'near',
    ...options,
    provider: ownDisks(folder, 2),
  });
  const kernel = await load({
    executors: [htex, new ThreadPoolExecutor({ label: 'threads', maxThreads: 1 })],
    asDefault: false,
    handleSignals: false,
    runDir: join(folder, 'runs'),
  });
  closers.push(() => kernel.close());
  await vi.waitFor(async () => expect(await htex.managers()).toHaveLength(2), { timeout: 30_000 });
  const marker = join(folder, 'made');
  const make = bash(
    (text: string, path: string, io: Io) => io.sh`echo ${text} > ${io.outputs[0]}; echo ${text} >> ${path}`,
    {
      name: 'make',
      executors: ['nodes'],
      kernel,
    },
  );
  const read = async (input: DataFile) => {
    const { readFile: readText } = await import('node:fs/promises');
    return [(await readText(input.path, 'utf8')).trim(), process.env.SLUICE_WORKER_POOL_ID ?? '', input.path] as const;
  };
  const [here, there] = ['nodes', 'threads'].map((label) => app(read, { name: 'read', executors: [label], kernel }));
  const madeTimes = async () => (await readFile(marker, 'utf8')).trim().split('\n').length;
  return {
    folder,
    kernel,
    htex,
    make,
    here: here as never as typeof read,
    there: there as never as typeof read,
    marker,
    madeTimes,
  };
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function kill(htex: HighThroughputExecutor, manager: string): Promise<void> {
  const pid = (await htex.managers()).find(({ id }) => id === manager)?.pid as number;
  for (const one of [pid, ...descendants(pid)]) process.kill(one, 'SIGKILL');
}

test('a temporary file stays on its node for tasks there, and is copied for those of another executor', async () => {
  const { kernel, htex, make, here, there, marker, madeTimes, folder } = await nodes();
  const made = make('hello', marker, { outputs: ['temp:greeting.txt'] });
  await made;
  const keptOf = async () => (await htex.managers()).reduce((sum, { kept }) => sum + (kept?.files ?? 0), 0);
  await vi.waitFor(async () => expect(await keptOf()).toBe(1));
  const [text, , path] = await here(made.outputs[0] as never);
  expect([text, path.includes('/kept/')]).toEqual(['hello', true]);
  const [copied, , copy] = await there(made.outputs[0] as never);
  expect([copied, copy.startsWith(join(folder, 'runs'))]).toEqual(['hello', true]);
  expect(await madeTimes()).toBe(1);
  await kernel.close();
  const left = await readdir(join(folder, 'nodes'), { recursive: true });
  expect(left.filter((name) => name.includes('/kept'))).toEqual([]);
});

test('and is made again when its node is killed, for as many tasks as wait for it', async () => {
  const { htex, make, here, marker, madeTimes } = await nodes();
  const made = make('hello', marker, { outputs: ['temp:greeting.txt'] });
  const [, manager] = await here(made.outputs[0] as never);
  await kill(htex, manager);
  const texts = await Promise.all([1, 2, 3].map(() => here(made.outputs[0] as never)));
  expect(texts.map(([text]) => text)).toEqual(['hello', 'hello', 'hello']);
  expect(await madeTimes()).toBe(2);
});

test('what nobody needs any more is dropped on its node', async () => {
  const { htex, make, here, marker } = await nodes();
  const made = make('hello', marker, { outputs: ['temp:greeting.txt'] });
  await here(made.outputs[0] as never);
  await vi.waitFor(async () =>
    expect((await htex.managers()).map(({ kept }) => kept?.files ?? 0).sort()).toEqual([0, 1]),
  );
  made.outputs[0]?.release();
  await vi.waitFor(async () => expect((await htex.managers()).map(({ kept }) => kept?.files ?? 0)).toEqual([0, 0]));
});
