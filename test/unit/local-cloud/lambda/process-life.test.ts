import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { execa } from 'execa';
import { startLocalCloud } from 'sluice/local-cloud';
import { describe, expect, test, vi } from 'vitest';
import { cloudForTest, deploy, invoke, lambdaClient } from './lambda-fixture.js';

const REPORTER = `import { spawn } from 'node:child_process';
export const handler = async ({ spin }) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
  await new Promise((r) => setTimeout(r, 300));
  if (spin) setTimeout(() => { for (;;); }, 50);
  return { pids: [process.pid, child.pid], tmp: process.env.TMPDIR };
};`;

interface Report {
  readonly pids: number[];
  readonly tmp: string;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const untilGone = ({ pids, tmp }: Report) =>
  vi.waitFor(
    () => {
      expect(pids.filter(isRunning)).toEqual([]);
      expect(existsSync(tmp)).toBe(false);
    },
    { timeout: 25_000, interval: 50 },
  );

describe('The processes of a function', () => {
  test('are gone with all they started when close resolves, and so are their folders', async () => {
    const cloud = await startLocalCloud();
    const lambda = lambdaClient(cloud);
    try {
      await deploy(lambda, { source: REPORTER });
      const report = (await invoke(lambda, 'f')).value as Report;
      expect(report.pids.filter(isRunning)).toHaveLength(2);
      await cloud.close();
      expect(existsSync(report.tmp)).toBe(false);
      await untilGone(report);
    } finally {
      lambda.destroy();
      await cloud.close();
    }
  });

  test('end after a time without work', async () => {
    const { lambda } = await cloudForTest({ idleMs: 100 });
    await deploy(lambda, { source: REPORTER });
    await untilGone((await invoke(lambda, 'f')).value as Report);
  });

  test.each([false, true])('end when local-cloud is killed, busy in a loop: %s', async (spin) => {
    const script = fileURLToPath(new URL('../../../../dist/local-cloud.js', import.meta.url));
    const server = execa(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { startLocalCloud } = await import(${JSON.stringify(script)}); const c = await startLocalCloud(); console.log(JSON.stringify({ endpoint: c.endpoint, ...c.env }));`,
      ],
      { reject: false },
    );
    let lambda: LambdaClient | undefined;
    try {
      const ready = JSON.parse(String(await once(createInterface(server.stdout), 'line'))) as Record<string, string>;
      lambda = new LambdaClient({
        endpoint: ready.endpoint ?? '',
        region: 'us-east-1',
        credentials: { accessKeyId: ready.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: ready.AWS_SECRET_ACCESS_KEY ?? '' },
      });
      await deploy(lambda, { source: REPORTER });
      const report = (await invoke(lambda, 'f', { spin })).value as Report;
      server.kill('SIGKILL');
      await server;
      await untilGone(report);
    } finally {
      lambda?.destroy();
      server.kill('SIGKILL');
    }
  });
});
