import { expect, test } from 'vitest';
import { parseReaperLine, reaperLine } from '../../../src/run/reaper-message.js';

test('a line is read as it was written, whatever else the change carries', () => {
  const change = { pid: 7, running: true, startTicks: '99', mark: 'run "1"\n-1-1' };
  const line = reaperLine({ ...change, kind: 'processGroup' } as typeof change);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(parseReaperLine(line)).toEqual(change);
});

test('half a line, as a parent that is killed may leave one, is none', () => {
  expect(parseReaperLine('{"pid":7,"run')).toBeUndefined();
});
