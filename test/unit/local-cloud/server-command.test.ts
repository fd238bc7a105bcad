import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

const MODULE = new URL('../../../dist/cli/local-cloud-command.js', import.meta.url).href;
const SCRIPT = `const { localCloudCommand } = await import('${MODULE}'); await localCloudCommand().parseAsync(process.argv.slice(1), { from: 'user' });`;

function run(...args: string[]) {
  return execa(process.execPath, ['--input-type=module', '-e', SCRIPT, '--', ...args], { reject: false });
}

describe('sluice local-cloud', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('prints what to export, serves, and ends well on %s', async (signal) => {
    const command = run('--region', 'eu-west-1', '--concurrency', '5');
    try {
      const lines = createInterface(command.stdout);
      const [first] = (await once(lines, 'line')) as [string];
      const endpoint = /^export AWS_ENDPOINT_URL=(http:\/\/127\.0\.0\.1:\d+)$/.exec(first)?.[1] ?? '';
      expect((await fetch(endpoint)).status).toBe(403);
      command.kill(signal);
      const { exitCode, stdout } = await command;
      expect(exitCode).toBe(0);
      expect(stdout.split('\n').slice(1)).toEqual([
        'export AWS_REGION=eu-west-1',
        'export AWS_ACCESS_KEY_ID=LOCALCLOUDKEY',
        'export AWS_SECRET_ACCESS_KEY=local-cloud-secret',
      ]);
    } finally {
      command.kill('SIGKILL');
    }
  });

  test('refuses a port that is no number, without a start', async () => {
    const { exitCode, stderr } = await run('--port', 'many');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('whole number');
  });
});
