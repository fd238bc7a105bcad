import { expect, test } from 'vitest';
import { sourceExcerpt } from '../../../../src/wire/code-shipping/source-excerpt.js';

test('an excerpt marks a range with carets, also after tabs, with a line on either side', () => {
  const source = ['() => {', '\tfirst();', '\t\treturn rate;', '}'].join('\n');
  expect(excerptOf(source, 'rate')).toBe(
    ['  2 |  first();', '> 3 |   return rate;', '    |          ^^^^', '  4 | }'].join('\n'),
  );
});

test('an excerpt of a one-line function has that line only', () => {
  expect(excerptOf('() => rate', 'rate')).toBe(['> 1 | () => rate', '    |       ^^^^'].join('\n'));
});

test('an excerpt of a minified function is a window around the range, at most 100 columns wide', () => {
  const [, line = '', carets = ''] = excerptOf(
    `()=>{\n${'work();'.repeat(100)}rate;${'work();'.repeat(100)}}`,
    'rate',
  ).split('\n');
  expect(line.length).toBeLessThanOrEqual('> 2 | '.length + 100);
  expect(line).toMatch(/^> 2 \| ….*work\(\);rate;work\(\);.*…$/);
  expect(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('rate');
});

test('line numbers keep their column where they grow a digit', () => {
  const source = `() => {${'\n'.repeat(8)}rate;\n}`;
  expect(
    excerptOf(source, 'rate')
      .split('\n')
      .map((line) => line.indexOf('|')),
  ).toEqual([5, 5, 5, 5]);
});

function excerptOf(source: string, word: string): string {
  const start = source.indexOf(word);
  return sourceExcerpt(source, { start, end: start + word.length });
}
