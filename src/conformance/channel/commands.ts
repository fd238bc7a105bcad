import assert from 'node:assert/strict';
import type { Check } from './fixture.js';
import { refusal, soon } from './outcomes.js';

const HARD_WORDS = [
  '',
  'two words',
  ' edges ',
  '*',
  '$HOME `id` $(id)',
  `'"\\`,
  'new\nline',
  'tab\t',
  ';&|<>',
  '-n',
  '~',
  'ünïcødé 😀',
];

/** Programs get what they are given, and give back all they say. */
export function commands(check: Check): void {
  check('a program gets its arguments as they are, through no shell', async ({ channel }) => {
    const { stdout, exitCode } = await channel.run(['printf', '<%s>', ...HARD_WORDS], soon());
    assert.equal(stdout, HARD_WORDS.map((word) => `<${word}>`).join(''));
    assert.equal(exitCode, 0);
  });

  check('an exit code other than 0 is an answer, with both streams kept apart', async ({ channel }) => {
    const result = await channel.run(['sh', '-c', 'echo out; echo err >&2; exit 7'], soon());
    assert.deepEqual(result, { exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  check('a program that a signal ends has 128 and its number', async ({ channel }) => {
    const { exitCode } = await channel.run(['sh', '-c', 'kill -KILL $$'], soon());
    assert.equal(exitCode, 137);
  });

  check('standard input is what was given, however long, and empty otherwise', async ({ channel }) => {
    const text = 'line of input ünïcødé\n'.repeat(20_000);
    const { stdout } = await channel.run(['cat'], { ...soon(), stdin: text });
    assert.equal(stdout, text);
    assert.equal((await channel.run(['cat'], soon())).stdout, '');
  });

  check('a program that does not read its input ends as it likes', async ({ channel }) => {
    const { exitCode } = await channel.run(['sh', '-c', 'exit 4'], { ...soon(), stdin: 'x'.repeat(1_000_000) });
    assert.equal(exitCode, 4);
  });

  check('output of megabytes arrives whole', async ({ channel }) => {
    const { stdout } = await channel.run(['sh', '-c', 'head -c 5000000 /dev/zero | tr "\\0" x'], soon());
    assert.equal(stdout.length, 5_000_000);
    assert.match(stdout, /^x+$/);
  });

  check('it runs where it is told to, with the variables it is given added to the others', async (place) => {
    const { channel, folder } = place;
    const env = { SLUICE_TEST_WORD: `it's $HOME` };
    const { stdout } = await channel.run(['sh', '-c', 'pwd; echo "$SLUICE_TEST_WORD"; test -n "$PATH"; echo $?'], {
      ...soon(),
      cwd: folder,
      env,
    });
    const [cwd = '', word, hasPath] = stdout.split('\n');
    assert.ok(folder.endsWith(cwd) || cwd.endsWith(folder), `it ran in ${cwd}, not in ${folder}`);
    assert.deepEqual([word, hasPath], [env.SLUICE_TEST_WORD, '0']);
  });

  check('a program that does not exist is COMMAND_FAILED by name, or the exit code of shells', async ({ channel }) => {
    const attempt = channel.run(['no-such-program-of-sluice'], soon());
    // What runs commands by a shell over there only hears of 127 (POSIX.1-2017, Shell Command Language 2.8.2).
    const result = await attempt.catch((error: unknown) => error);
    if (result instanceof Error) await refusal(Promise.reject(result), 'COMMAND_FAILED', /no-such-program-of-sluice/);
    else assert.equal((result as { exitCode: number }).exitCode, 127);
  });

  check('many commands run at the same time, each with its own answer', async ({ channel }) => {
    const numbers = Array.from({ length: 12 }, (_, index) => String(index));
    const results = await Promise.all(numbers.map((n) => channel.run(['sh', '-c', 'echo "$0"; exit "$0"', n], soon())));
    assert.deepEqual(
      results.map(({ stdout, exitCode }) => [stdout, exitCode]),
      numbers.map((n) => [`${n}\n`, Number(n)]),
    );
  });
}
