import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { wholeNumber } from '../../../src/cli/whole-number.js';

test('a count is taken as it is written', () => {
  expect(wholeNumber('0')).toBe(0);
  expect(wholeNumber('1769')).toBe(1_769);
});

test.each(['', 'x', '-1', '1.5', '1e3', '0x10', ' 7'])('%j is no count', (text) => {
  expect(() => wholeNumber(text)).toThrow(InvalidArgumentError);
});
