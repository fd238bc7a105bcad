import { access, appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { startLocalCloud } from 'sluice/local-cloud';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { cloudForTest, deploy, invoke, lambdaClient } from './lambda-fixture.js';

/** Appends a line to the file in the event, then does what the event says. */
const RECORDER = `import { appendFile } from 'node:fs/promises';
export const handler = async ({ file, line, act }, { awsRequestId }) => {
  await appendFile(file, line + ' ' + awsRequestId + '\\n');
  if (act === 'throw') throw new Error('as asked');
  if (act === 'exit') process.exit(1);
  if (act === 'sleep') await new Promise((r) => setTimeout(r, 700));
};`;

async function recordFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-events-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'record');
  await appendFile(file, '');
  await access(file);
  return file;
}

const linesOf = async (file: string): Promise<string[]> => (await readFile(file, 'utf8')).split('\n').filter(Boolean);

function send(lambda: LambdaClient, event: object) {
  return lambda.send(new InvokeCommand({ FunctionName: 'f', InvocationType: 'Event', Payload: JSON.stringify(event) }));
}

describe('Event invocations', () => {
  test('are accepted at once and run in the background', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: RECORDER });
    const file = await recordFile();
    const accepted = await send(lambda, { file, line: 'one' });
    expect(accepted.StatusCode).toBe(202);
    await vi.waitFor(async () => expect(await linesOf(file)).toHaveLength(1), 10_000);
  });

  test.each(['throw', 'exit'])(
    'that fail by %s run twice more under the same id, then no more, and hurt nobody',
    async (act) => {
      const { lambda } = await cloudForTest({ eventRetryDelaysMs: [20, 20] });
      await deploy(lambda, { source: RECORDER });
      const file = await recordFile();
      await send(lambda, { file, line: 'again', act });
      await vi.waitFor(async () => expect(await linesOf(file)).toHaveLength(3), 20_000);
      await invoke(lambda, 'f', { file, line: 'after' });
      const lines = await linesOf(file);
      expect(lines).toHaveLength(4);
      expect(new Set(lines.slice(0, 3)).size).toBe(1);
    },
  );

  test('wait while there is no room, and are not lost', async () => {
    const { lambda } = await cloudForTest({ concurrency: 1 });
    await deploy(lambda, { source: RECORDER });
    const file = await recordFile();
    for (const line of ['a', 'b', 'c']) await send(lambda, { file, line });
    await vi.waitFor(async () => expect(await linesOf(file)).toHaveLength(3), 20_000);
  });

  test('that are accepted before close still run, retries without their pause', async () => {
    const cloud = await startLocalCloud({ eventRetryDelaysMs: [60_000, 60_000], graceMs: 20_000 });
    const lambda = lambdaClient(cloud);
    const file = await recordFile();
    try {
      await deploy(lambda, { source: RECORDER });
      await send(lambda, { file, line: 'fails', act: 'throw' });
      await send(lambda, { file, line: 'works', act: 'sleep' });
    } finally {
      lambda.destroy();
      await cloud.close();
    }
    const lines = await linesOf(file);
    expect(lines.filter((line) => line.startsWith('fails'))).toHaveLength(3);
    expect(lines.filter((line) => line.startsWith('works'))).toHaveLength(1);
  });

  test('do not hold up close beyond its grace', async () => {
    const cloud = await startLocalCloud({ graceMs: 300 });
    const lambda = lambdaClient(cloud);
    try {
      await deploy(lambda, { source: 'export const handler = () => { for (;;); };', timeout: 900 });
      await send(lambda, {});
    } finally {
      lambda.destroy();
    }
    const startedMs = performance.now();
    await cloud.close();
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
});
