import { expect, test } from 'vitest';
import { RecentIdentities } from '../../../src/data/recent-identities.js';

const identity = (tag: string) => ({ tag, size: 1 });

test('an answer holds for those that came before it was asked for, and for nobody else', () => {
  const recent = new RecentIdentities();
  recent.note('s3://b/k', identity('1'), 10);
  expect(recent.since('s3://b/k', 9)).toEqual(identity('1'));
  expect(recent.since('s3://b/k', 10)).toEqual(identity('1'));
  expect(recent.since('s3://b/k', 10.1)).toBeUndefined();
  expect(recent.since('s3://b/other', 0)).toBeUndefined();
  recent.note('s3://b/k', identity('2'), 20);
  expect(recent.since('s3://b/k', 15)).toEqual(identity('2'));
  recent.forget('s3://b/k');
  expect(recent.since('s3://b/k', 0)).toBeUndefined();
});

test('a thousand are kept, those asked for last', () => {
  const recent = new RecentIdentities();
  for (let index = 0; index < 1_001; index++) recent.note(`s3://b/${index}`, identity(`${index}`), index);
  expect(recent.since('s3://b/0', 0)).toBeUndefined();
  expect(recent.since('s3://b/1', 0)).toEqual(identity('1'));
  recent.note('s3://b/1', identity('new'), 2_000);
  recent.note('s3://b/more', identity('more'), 2_001);
  expect(recent.since('s3://b/1', 0)).toEqual(identity('new'));
  expect(recent.since('s3://b/2', 0)).toBeUndefined();
});
