import { DataFile, type ShellCommand } from 'sluice';
import { describe, expect, test } from 'vitest';
import { sh } from '../../../src/apps/shell-quote.js';

const text = (command: ShellCommand): string => command.text;

describe('what io.sh writes', () => {
  test('plain words stay as they are, all others are quoted', () => {
    expect(text(sh`cp ${'a.txt'} ${'/b/c-d_e'} ${'two words'}`)).toBe("cp a.txt /b/c-d_e 'two words'");
    expect(text(sh`echo ${''} ${"it's"} ${'$HOME'} ${'~'} ${'*'}`)).toBe(`echo '' 'it'\\''s' '$HOME' '~' '*'`);
  });

  test('numbers and bigints are written out', () => {
    expect(text(sh`seq ${1} ${2.5} ${-3} ${10n}`)).toBe('seq 1 2.5 -3 10');
  });

  test('arrays become words with spaces between, at any depth; an empty one becomes nothing', () => {
    expect(text(sh`cat ${['a', 'b c', ['d', 5]]} end`)).toBe("cat a 'b c' d 5 end");
    expect(text(sh`cat ${[]}`)).toBe('cat ');
  });

  test('files become their path, URLs their text', () => {
    expect(text(sh`cat ${new DataFile('/data/a b.txt')}`)).toBe("cat '/data/a b.txt'");
    expect(text(sh`cat ${new DataFile('s3://bucket/key').at('/local/key')}`)).toBe('cat /local/key');
    expect(text(sh`curl ${new URL('https://h/p?a=1&b=2')}`)).toBe("curl 'https://h/p?a=1&b=2'");
  });

  test('commands made by sh stay as they are, so that they compose', () => {
    const filter = sh`grep -c ${'a b'}`;
    expect(text(sh`cat x | ${filter} | ${[sh`sort`, sh`-n`]}`)).toBe("cat x | grep -c 'a b' | sort -n");
    expect(String(filter)).toBe("grep -c 'a b'");
  });

  test('the template is written as it stands, escapes of JavaScript resolved', () => {
    expect(text(sh`printf 'a\n' "$HOME"`)).toBe(`printf 'a\n' "$HOME"`);
  });
});

describe('what io.sh refuses', () => {
  test.each([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['NaN', Number.NaN, 'NaN'],
    ['a boolean', true, 'true'],
    ['an object', { a: 1 }, 'a Object'],
    ['a Date', new Date(0), 'a Date'],
    ['undefined in an array', ['a', undefined], 'undefined'],
  ])('%s, saying which value and where it stands', (_, value, said) => {
    const command = () => sh`first ${'fine'} then --option ${value} more`;
    expect(command).toThrow(TypeError);
    expect(command).toThrow(`io.sh: value 2, after " then --option ", is ${said}`);
  });

  test('a NUL byte, which no command can be given', () => {
    expect(() => sh`echo ${'a\0b'}`).toThrow('value 1 contains a NUL byte');
  });
});
