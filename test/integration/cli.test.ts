import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/version.js';

const MAIN = fileURLToPath(new URL('../../dist/bin/sluice.js', import.meta.url));
const ROLE = 'arn:aws:iam::000000000000:role/worker';

// Every process gets an empty working directory and an empty temporary one: what it leaves behind is seen.
let folder: string;
let cwd: string;
let temporary: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sluice-cli-')));
  [cwd, temporary] = [join(folder, 'cwd'), join(folder, 'tmp')];
  await Promise.all([mkdir(cwd), mkdir(temporary)]);
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));

/** Starts `sluice` with these arguments; of the variables of AWS it sees only those given here. */
function sluice(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: temporary, ...variables };
  return execa(process.execPath, [MAIN, ...args], { cwd, env, extendEnv: false, reject: false });
}

async function expectNothingLeft(): Promise<void> {
  expect(await readdir(cwd)).toEqual([]);
  expect(await readdir(temporary)).toEqual([]);
}

describe('sluice', () => {
  test('--help names every command', async () => {
    const { exitCode, stdout, stderr } = await sluice(['--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const command of ['local-cloud', 'deploy', 'perf', 'stage', 'events'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  test('--version prints the version alone', async () => {
    expect(await sluice(['--version'])).toMatchObject({ exitCode: 0, stdout: VERSION, stderr: '' });
  });

  test.each([
    [['bogus'], "error: unknown command 'bogus'"],
    [['deploy', 'bogus'], "error: unknown command 'bogus'"],
    [['--bogus'], "error: unknown option '--bogus'"],
    [['deploy', 'lambda', '--bogus'], "error: unknown option '--bogus'"],
    [
      ['deploy', 'lambda', '--env', 'NOT_SET_HERE'],
      'NOT_SET_HERE is not set here: write NOT_SET_HERE=value, or set it.',
    ],
    [['perf', '--executor', 'moon'], 'Allowed choices are threads, htex, lambda.'],
    [['perf', '--tasks', 'many'], 'it must be a whole number'],
    [['perf', '--tasks', '0'], 'it must be at least 1'],
    [['perf', '--workers', '0', '--executor', 'lambda'], 'it must be at least 1'],
    [['perf', '--aws'], "error: option '--aws' is for --executor lambda"],
    [['perf', '--function', 'mine'], "error: option '--function <name>' is for --executor lambda"],
    [['perf', '--executor', 'lambda', '--function', 'mine'], "error: option '--function <name>' needs --aws"],
  ])('%j is a wrong command line: exit code 2', async (args, said) => {
    const { exitCode, stdout, stderr } = await sluice(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('    at ');
  });

  const nowhere = {
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'very-secret',
  };

  test('an error is one line without a stack trace: exit code 1', async () => {
    const { exitCode, stdout, stderr } = await sluice(['deploy', 'lambda'], nowhere);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(
      /^sluice: deploying Lambda function 'sluice-worker' failed \(.*ECONNREFUSED.*\) \(SERVICE_FAILED\)$/,
    );
  });

  test('with --debug, before or after the command, its stack and its causes follow', async () => {
    const runs = [
      ['--debug', 'deploy', 'lambda'],
      ['deploy', 'lambda', '--debug'],
    ];
    for (const args of runs) {
      const { exitCode, stderr } = await sluice(args, nowhere);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^SluiceError: deploying.*\n {4}at /m);
      expect(stderr).toMatch(/^caused by: .*ECONNREFUSED/m);
      expect(stderr).not.toContain('very-secret');
    }
  });

  test('options that do not fit are all named', async () => {
    const { exitCode, stderr } = await sluice(['deploy', 'lambda', '--memory', '5', '--timeout', '0'], nowhere);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('memoryMiB');
    expect(stderr).toContain('timeoutSeconds');
  });
});

const PERF_KEYS = ['executor', 'workers', 'tasks', 'tasksPerSecond', 'p50Ms', 'p95Ms', 'p99Ms', 'clientRssMiB'];

function expectFigures(stdout: string, expected: object): void {
  const figures = JSON.parse(stdout.split('\n').at(-1) ?? '') as Record<string, number>;
  expect(Object.keys(figures)).toEqual(PERF_KEYS);
  expect(figures).toMatchObject(expected);
  for (const key of PERF_KEYS.slice(3)) expect(figures[key], key).toBeGreaterThan(0);
  const { p50Ms = 0, p95Ms = 0, p99Ms = 0 } = figures;
  expect([p50Ms, p95Ms, p99Ms]).toEqual([p50Ms, p95Ms, p99Ms].toSorted((a, b) => a - b));
}

describe('sluice perf', () => {
  test.each([
    ['threads', 200],
    ['lambda', 20],
  ])('--executor %s --json ends with one line of figures, and leaves nothing behind', async (executor, tasks) => {
    const { exitCode, stdout, stderr } = await sluice([
      'perf',
      '--executor',
      executor,
      '--tasks',
      `${tasks}`,
      '--json',
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expectFigures(stdout, { executor, workers: 2, tasks });
    await expectNothingLeft();
  });

  test('without --json says the same to be read', async () => {
    const { stdout } = await sluice(['perf', '--workers', '1', '--tasks', '10']);
    expect(stdout).toMatch(/^threads, 1 workers: 10 tasks at \d+\/s; round trip p50 [\d.]+ ms, /);
  });

  test('stops at SIGINT with the code of shells, and leaves nothing behind', async () => {
    const command = sluice(['perf', '--executor', 'lambda', '--tasks', '1000000']);
    await until(async () => (await readdir(temporary)).some((name) => name.startsWith('sluice-perf-')));
    command.kill('SIGINT');
    expect(await command).toMatchObject({ exitCode: 130, stderr: 'sluice: stopped by SIGINT (CANCELLED)' });
    await expectNothingLeft();
  });
});

describe('sluice local-cloud', () => {
  test('is where deploy and perf go by the lines it prints, and SIGINT leaves nothing behind', async () => {
    const cloud = sluice(['local-cloud']);
    try {
      const variables = await exportedBy(cloud);
      expect(await sluice(['deploy', 'lambda', '--role', ROLE], variables)).toMatchObject({
        exitCode: 0,
        stdout: 'sluice-worker: created (arn:aws:lambda:us-east-1:000000000000:function:sluice-worker)',
        stderr: '',
      });
      expect((await sluice(['deploy', 'lambda', '--memory', '512'], variables)).stdout).toMatch(
        /^sluice-worker: updated/,
      );
      const withVariables = ['deploy', 'lambda', '--memory', '512', '--env', 'MINE', '--env', 'YOURS=a=b'];
      expect((await sluice(withVariables, { ...variables, MINE: 'here' })).stdout).toMatch(/^sluice-worker: updated/);
      expect((await sluice(withVariables, { ...variables, MINE: 'here' })).stdout).toMatch(/^sluice-worker: unchanged/);
      const perf = ['perf', '--executor', 'lambda', '--aws', '--tasks', '5', '--workers', '1', '--json'];
      const { exitCode, stdout, stderr } = await sluice(perf, variables);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expectFigures(stdout, { executor: 'lambda', workers: 1, tasks: 5 });
      expect(await processesOf(temporary)).not.toEqual([]);
      cloud.kill('SIGINT');
      expect((await cloud).exitCode).toBe(0);
      await expectNothingLeft();
      await until(async () => (await processesOf(temporary)).length === 0);
    } finally {
      cloud.kill('SIGKILL');
    }
  });

  test('deploy without a role for a new function says what is missing', async () => {
    const cloud = sluice(['local-cloud']);
    try {
      const { exitCode, stderr } = await sluice(['deploy', 'lambda', '--function', 'mine'], await exportedBy(cloud));
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^sluice: Lambda function 'mine' does not exist yet, .*\(--role\).* \(INVALID_OPTIONS\)$/);
    } finally {
      cloud.kill('SIGKILL');
    }
  });
});

/** What the `export` lines of a starting local-cloud say. */
async function exportedBy(command: ReturnType<typeof sluice>): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  const lines = createInterface(command.stdout);
  lines.on('line', (line) => {
    const [, name = '', value = ''] = /^export (\w+)=(.*)$/.exec(line) ?? [];
    variables[name] = value;
  });
  while (Object.keys(variables).length < 4) await once(lines, 'line');
  return variables;
}

/** Processes, other than zombies, whose environment names this folder. */
async function processesOf(path: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')] as const),
  );
  return environments.filter(([, environ]) => environ.includes(path)).map(([pid]) => pid);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('it did not come to be');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
