import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SingleNodeLauncher } from '../../../src/launchers/single-node-launcher.js';
import { thrownBy } from '../../fixtures/kernel/failure-of.js';

const bash = promisify(execFile);
const run = async (text: string): Promise<{ code: unknown; stdout: string }> =>
  bash('/bin/bash', ['-c', text]).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }) => ({ code, stdout }),
  );
const shape = { nodesPerBlock: 1, tasksPerNode: 3 };

test('the code of the first copy that failed is that of the block', async () => {
  const text = new SingleNodeLauncher().wrap({ ...shape, command: 'exit 41' });
  expect(await run(text)).toMatchObject({ code: 41 });
});

test('what follows the text runs too, and sees how it ended', async () => {
  const text = new SingleNodeLauncher({ failOnAny: true }).wrap({ ...shape, command: 'exit 5' });
  expect(await run(`${text}\necho "ended with $?"`)).toEqual({ code: 0, stdout: 'ended with 5\n' });
});

test('copies find the number of processors', async () => {
  const text = new SingleNodeLauncher().wrap({ ...shape, tasksPerNode: 1, command: 'echo "$CORES"' });
  const { stdout } = await bash('getconf', ['_NPROCESSORS_ONLN']);
  expect(await run(text)).toEqual({ code: 0, stdout });
});

test('options that do not exist or do not fit are all named at once', () => {
  const error = thrownBy<Error>(() => new SingleNodeLauncher({ failOnAny: 'yes', debug: true } as object));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
  for (const name of ['SingleNodeLauncher options', 'failOnAny', 'debug']) expect(error.message).toContain(name);
});
