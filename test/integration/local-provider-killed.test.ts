import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning, whenGone } from '../fixtures/kernel/is-running.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-killed-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

const PROVIDER = new URL('../../dist/providers/local/local-provider.js', import.meta.url).href;
// Two pilots a block, each with a child in its group and one that has left it; the last one is deaf.
const PILOT = `sleep 600 & echo $!
setsid bash -c 'trap "" TERM; echo $$; while :; do sleep 1; done' &
echo $BASHPID; wait`;
const CLIENT = `
const { LocalProvider } = await import('${PROVIDER}');
const { readFile } = await import('node:fs/promises');
const runDir = process.argv[1];
const provider = new LocalProvider({ nodesPerBlock: 2, maxBlocks: 2 });
const { signal } = new AbortController();
await provider.start({ runId: 'killed', runDir, label: 'test' });
const blocks = ['block-0', 'block-1'];
for (const blockId of blocks)
  await provider.submit({ blockId, name: blockId, command: process.argv[2], environment: {} }, signal);
const pids = async () => (await Promise.all(blocks.map((id) => readFile(runDir + '/blocks/test/' + id + '.out', 'utf8')))).join('').match(/\\d+\\n/g) ?? [];
while ((await pids()).length < 12) await new Promise((resolve) => setTimeout(resolve, 20));
console.log((await pids()).map(Number).join(' '));
setInterval(() => {}, 1_000);
`;

test('kill -9 of a client leaves nothing of its blocks', async () => {
  const client = spawn(process.execPath, ['--input-type=module', '--eval', CLIENT, folder, PILOT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(createInterface({ input: client.stdout }), 'line')) as [string];
    const pids = line.split(' ').map(Number);
    expect(pids).toHaveLength(12);
    expect(pids.every(isRunning)).toBe(true);
    client.kill('SIGKILL');
    await whenGone(pids);
  } finally {
    client.kill('SIGKILL');
  }
});
