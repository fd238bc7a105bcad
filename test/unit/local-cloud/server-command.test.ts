import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';

const MODULE = new URL('../../../dist/cli/local-cloud-command.js', import.meta.url).href;
const SCRIPT = `const { localCloudCommand } = await import('${MODULE}'); await localCloudCommand().parseAsync(process.argv.slice(1), { from: 'user' });`;

function run(...args: string[]) {
  return execa(process.execPath, ['--input-type=module', '-e', SCRIPT, '--', ...args], { reject: false });
}

describe('sluice local-cloud', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('prints what to export, serves, and ends well on %s', async (signal) => {
    const command = run('--region', 'eu-west-1', '--concurrency', '5', '--project', 'my-project');
    try {
      const lines = createInterface(command.stdout);
      const [first] = (await once(lines, 'line')) as [string];
      const endpoint = /^export AWS_ENDPOINT_URL=(http:\/\/127\.0\.0\.1:\d+)$/.exec(first)?.[1] ?? '';
      expect((await fetch(endpoint)).status).toBe(403);
      command.kill(signal);
      const { exitCode, stdout } = await command;
      expect(exitCode).toBe(0);
      expect(stdout.split('\n').slice(1)).toEqual([
        `export STORAGE_EMULATOR_HOST=${endpoint}`,
        expect.stringMatching(/^export GOOGLE_APPLICATION_CREDENTIALS=\/.*\/service-account\.json$/),
        'export GOOGLE_CLOUD_PROJECT=my-project',
        'export AWS_REGION=eu-west-1',
        'export AWS_ACCESS_KEY_ID=LOCALCLOUDKEY',
        'export AWS_SECRET_ACCESS_KEY=local-cloud-secret',
      ]);
    } finally {
      command.kill('SIGKILL');
    }
  });

  /** A file with this text. */
  async function file(text: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'faults.json'), text);
    return join(folder, 'faults.json');
  }

  test('injects the faults of a file, and tells each on stderr', async () => {
    const rules = [{ name: 'first', service: 's3', nth: 1, fault: { kind: 'error', code: 'SlowDown' } }];
    const command = run('--faults', await file(JSON.stringify(rules)), '--fault-seed', '3');
    try {
      const lines = createInterface(command.stdout);
      const [first] = (await once(lines, 'line')) as [string];
      const credentials = { accessKeyId: 'LOCALCLOUDKEY', secretAccessKey: 'local-cloud-secret' };
      const endpoint = first.slice('export AWS_ENDPOINT_URL='.length);
      const s3 = new S3Client({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
      onTestFinished(() => s3.destroy());
      await expect(s3.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: 'SlowDown' });
      expect((await s3.send(new ListBucketsCommand({}))).Buckets).toEqual([]);
      command.kill('SIGTERM');
      expect((await command).stderr).toContain('fault first: SlowDown before execution on s3 ListBuckets');
    } finally {
      command.kill('SIGKILL');
    }
  });

  test.each([
    ['that is no JSON', 'many', /--faults .*faults\.json: .*JSON/],
    ['with a rule that does not fit', '[{"fault":{"kind":"explode"}}]', /faults\[0\]\.fault\.kind/],
  ])('refuses a file of faults %s', async (_, text, message) => {
    const { exitCode, stderr } = await run('--faults', await file(text));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(message);
  });

  test('refuses a port that is no number, without a start', async () => {
    const { exitCode, stderr } = await run('--port', 'many');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('whole number');
  });
});
