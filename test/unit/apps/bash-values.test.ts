import { readFile, writeFile } from 'node:fs/promises';
import { app, bash, file, type Io, type SluiceError, ThreadPoolExecutor } from 'sluice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

let run: TemporaryRun;

beforeAll(async () => {
  run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 2 })] });
});
afterAll(() => run[Symbol.asyncDispose]());

const path = (name: string): string => `${run.folder}/${name}`;
const textOf = bash((command: string, _: Io) => command, { name: 'textOf', returns: 'text' });
const bytesOf = bash((command: string, _: Io) => command, { name: 'bytesOf', returns: 'bytes' });
const jsonOf = bash((command: string, _: Io) => command, { name: 'jsonOf', returns: 'json' });
const codeOf = bash((command: string, _: Io) => command, { name: 'codeOf', returns: 'exitCode' });

describe('what a command writes', () => {
  test('is text without the newlines at its end', async () => {
    const value: string = await textOf(`printf '\\n one\\n two \\n\\n\\n'`);
    expect(value).toBe('\n one\n two ');
    expect(await textOf('true')).toBe('');
    expect(await textOf(`printf '\\xef\\xbb\\xbfünï 😀'`)).toBe('\ufeffünï 😀');
  });

  test('is bytes as they are', async () => {
    const value: Uint8Array = await bytesOf(`printf '\\xff\\x00\\n'`);
    expect(value).toEqual(new Uint8Array([0xff, 0x00, 0x0a]));
  });

  test('is JSON, parsed', async () => {
    expect(await jsonOf(`echo '{"a":[1,null,"x"]}'`)).toEqual({ a: [1, null, 'x'] });
  });

  test('is nothing to an app that returns its exit code', async () => {
    const value: number = await codeOf('echo word');
    expect(value).toBe(0);
  });

  test('by all of its children, and not on standard error', async () => {
    expect(await textOf('(echo child; echo lost >&2) & wait; bash -c "echo grandchild"')).toBe('child\ngrandchild');
  });

  test('may be as large as memory takes', async () => {
    expect((await bytesOf('head -c 20000000 /dev/zero')).byteLength).toBe(20_000_000);
  });

  test('goes to the file that the call names as well', async () => {
    expect(await textOf.with({ stdout: path('as-well') })('echo kept')).toBe('kept');
    expect(await readFile(path('as-well'), 'utf8')).toBe('kept\n');
  });

  test('is nothing when it fails', async () => {
    await expect(textOf('echo half; echo why >&2; exit 3')).rejects.toMatchObject({
      code: 'BASH_EXIT',
      stderrTail: 'why\n',
    });
  });
});

describe('what is not what the app says', () => {
  test.each([
    ['no JSON', jsonOf, 'echo {', /bash app 'jsonOf' returns its standard output, and wrote no JSON \(.+\)/],
    ['no UTF-8', textOf, `printf '\\xff'`, /wrote no UTF-8: let it return 'bytes'/],
    ['too large', bytesOf, 'head -c 67108865 /dev/zero', /wrote 67108865 bytes, more than a value may have \(64 MiB\)/],
  ])('%s fails the app', async (_, command, text, message) => {
    const error = await failureOf<SluiceError>(command(text));
    expect(error).toMatchObject({ code: 'BASH_BAD_OUTPUT', class: 'app', message: expect.stringMatching(message) });
  });
});

describe('what a command reads', () => {
  const cat = bash((_io) => 'cat', { name: 'cat', returns: 'text' });

  test('is text, bytes or a file', async () => {
    await writeFile(path('input.txt'), 'of a file');
    expect(await cat({ stdin: 'text, ünïcødé' })).toBe('text, ünïcødé');
    expect(await cat({ stdin: '' })).toBe('');
    expect(await cat({ stdin: new Uint8Array([0x61, 0x62]) })).toBe('ab');
    expect(await cat({ stdin: file(path('input.txt')) })).toBe('of a file');
  });

  test('is the value of a future, of which nothing but itself is kept', async () => {
    const words = app((count: number) => Array.from({ length: count }, (_, index) => `w${index}`).join('\n'), {
      name: 'words',
    });
    const count = bash((_io) => 'wc -l', { name: 'count', returns: 'json' });
    expect(await count({ stdin: textOf(`printf 'b\\na\\n'`) })).toBe(1);
    expect(await count({ stdin: words(100_000) })).toBe(99_999);
  });

  test('is the file that another app makes', async () => {
    const make = bash((io: Io) => io.sh`echo made > ${io.outputs[0]}`, { name: 'make' });
    expect(await cat({ stdin: make({ outputs: [path('made.txt')] }).outputs[0] })).toBe('made');
  });

  test('is read or not, as it likes', async () => {
    const some = bash((_io) => 'head -c 3', { name: 'some', returns: 'text' });
    const none = bash((_io) => 'echo unread', { name: 'none', returns: 'text' });
    const much = 'x'.repeat(10_000_000);
    expect(await some({ stdin: much })).toBe('xxx');
    expect(await none({ stdin: much })).toBe('unread');
  });

  test('a cancelled command leaves its input', async () => {
    const slow = bash((_io) => 'sleep 60', { name: 'slow' });
    const future = slow({ stdin: 'x'.repeat(1_000_000) });
    future.cancel();
    await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('that fails fails the command, unrun', async () => {
    await expect(cat({ stdin: textOf('exit 4') })).rejects.toMatchObject({ code: 'DEPENDENCY' });
  });

  test('is refused when it is something else', async () => {
    expect(() => cat({ stdin: 5 as never })).toThrow(/expected text, bytes, a DataFile/);
    const numbers = app(() => [1, 2], { name: 'numbers' });
    const error = await failureOf<SluiceError>(cat({ stdin: numbers() as never }));
    expect(error).toMatchObject({ code: 'BASH_BAD_INPUT', class: 'app' });
    expect(error.message).toContain("bash app 'cat' was given an array as stdin");
  });
});

describe('options that cannot be', () => {
  test('an app that starts no command has no use for stdin', () => {
    const plain = app((x: number) => x, { name: 'plain' });
    expect(() => plain.with({ stdin: 'x' })(1)).toThrow("app 'plain' has no use for stdin");
  });

  test('output that is a value can have a file of its own alone', () => {
    const log = { file: path('log'), append: true };
    expect(() => textOf.with({ stdout: log })('true')).toThrow('cannot be appended to a file as well');
    expect(() => textOf.with({ stdout: path('both'), stderr: path('both') })('true')).toThrow(
      'cannot share a file with standard error',
    );
  });

  test('returns is one of its forms, and of bash apps', () => {
    expect(() => bash((_io) => 'true', { name: 'x', returns: 'xml' as never })).toThrow(/returns/);
    expect(() => app(() => 1, { name: 'y', returns: 'text' } as never)).toThrow(/returns/);
  });
});
