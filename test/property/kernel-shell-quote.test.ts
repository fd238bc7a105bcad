import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sh } from '../../src/apps/shell-quote.js';

/** What `/bin/bash` makes of the words: they come back between NULs. */
function throughBash(words: readonly string[]): string[] {
  const command = sh`printf '%s\\0' ${words}`;
  const out = execFileSync('/bin/bash', ['-c', command.text], { encoding: 'utf8', env: { HOME: '/home/x' } });
  return out.split('\0').slice(0, -1);
}

// Half a surrogate pair has no place in UTF-8, and NUL none in a command: neither is a string a process can be given.
const special = fc.constantFrom(...`'"\\$\`!*?~#&|;<>(){}[]=%^ \t\n\r-`);
const anyWord = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: special, maxLength: 20 }),
  fc.constantFrom('', '-n', '$(id)', '`id`', "'", '\\', '\n', '{a,b}', '!!', '~root', 'a=b', '\r\n', '--', '\u{1F600}'),
);
const anyWords = fc.array(
  anyWord.map((word) => word.replaceAll('\0', '')),
  { minLength: 1, maxLength: 40 },
);

test('whatever strings are interpolated, bash gives each back exactly', () => {
  fc.assert(
    fc.property(anyWords, (words) => {
      expect(throughBash(words)).toEqual(words);
    }),
    { numRuns: 150 },
  );
});

// A shell for each word takes its time on a busy machine.
test('an interpolation never ends the word it is part of', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(anyWord, (raw) => {
      const word = raw.replaceAll('\0', '');
      const command = sh`printf '%s\\0' before${word}after`;
      const out = execFileSync('/bin/bash', ['-c', command.text], { encoding: 'utf8' });
      expect(out).toBe(`before${word}after\0`);
    }),
    { numRuns: 60 },
  );
});
