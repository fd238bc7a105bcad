import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { cloudForTest, deploy, invoke } from './lambda-fixture.js';

// Takes more than its memory between two files, so that the test knows when; `release` gives it back before the answer.
const GREEDY = `import { existsSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
let kept;
export const handler = async ({ folder, release }) => {
  if (folder === undefined) return 'fine';
  writeFileSync(folder + '/started', '');
  while (!existsSync(folder + '/go'));
  kept = Buffer.alloc(2e8, 1);
  if (release) { kept = undefined; gc(); }
  writeFileSync(folder + '/done', '');
  return 'answered';
};`;

/** Lets the function run while nothing else does in this process, local-cloud included: as on a machine too busy to look. */
async function runUnseen(folder: string): Promise<void> {
  await vi.waitFor(() => expect(existsSync(join(folder, 'started'))).toBe(true), 10_000);
  writeFileSync(join(folder, 'go'), '');
  const deadlineMs = Date.now() + 10_000;
  while (!existsSync(join(folder, 'done')) && Date.now() < deadlineMs) rest(5);
  // By now the answer has come.
  rest(50);
}

function rest(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

// Elsewhere nothing keeps the most a process had: what it gave back between two looks is not known.
const PEAKS_KEPT = existsSync('/proc/self/status');

const CASES: readonly (readonly [title: string, release: boolean])[] = [
  ['still held', false],
  ...(PEAKS_KEPT ? [['given back', true] as const] : []),
];

test.each(CASES)(
  'memory above the limit that nobody saw, %s when the function answers, fails this invocation and not the next one',
  async (_, release) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-memory-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: GREEDY, memory: 128 });
    expect(await invoke(lambda, 'f')).toMatchObject({ value: 'fine' });
    const greedy = invoke(lambda, 'f', { folder, release });
    await runUnseen(folder);
    const [first, next] = [await greedy, await invoke(lambda, 'f')];
    expect(next).toMatchObject({ value: 'fine', functionError: undefined });
    expect(first).toMatchObject({
      functionError: 'Unhandled',
      value: { errorType: 'Runtime.ExitError', errorMessage: expect.stringMatching(/signal: killed$/) },
      log: expect.stringMatching(/Memory Size: 128 MB\tMax Memory Used: 128 MB\t.*Error Type: Runtime\.ExitError/),
    });
  },
);
