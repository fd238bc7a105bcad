import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Span, SpanPool } from '../../../../src/data/http/span-pool.js';

test('the one at the front and those from the back meet', () => {
  const pool = new SpanPool(25, 10);
  expect(pool.frontEnd).toBe(10);
  expect(pool.take()).toEqual({ start: 15, end: 25 });
  expect(pool.extendFront()).toBe(true);
  expect(pool.frontEnd).toBe(15);
  expect(pool.extendFront()).toBe(false);
  expect(pool.take()).toBeUndefined();
});

test('what is given back is taken by the next', () => {
  const pool = new SpanPool(20, 10);
  const part = pool.take() as Span;
  pool.giveBack({ start: part.start + 3, end: part.end });
  expect(pool.take()).toEqual({ start: 13, end: 20 });
  pool.giveBack({ start: 20, end: 20 });
  expect(pool.take()).toBeUndefined();
});

test('whoever takes what when, every byte is fetched once', () => {
  const steps = fc.array(fc.constantFrom('extend', 'take', 'half'), { maxLength: 60 });
  fc.assert(
    fc.property(fc.nat(1_000), fc.integer({ min: 1, max: 100 }), steps, (size, partBytes, actions) => {
      const pool = new SpanPool(size, partBytes);
      const spans: Span[] = [];
      for (const action of [...actions, ...Array<'take'>(1_100).fill('take')]) {
        if (action === 'extend') pool.extendFront();
        else {
          const span = pool.take();
          if (span === undefined) continue;
          const reached = action === 'half' ? Math.floor((span.start + span.end) / 2) : span.end;
          spans.push({ start: span.start, end: reached });
          pool.giveBack({ start: reached, end: span.end });
        }
      }
      spans.push({ start: 0, end: pool.frontEnd });
      const sorted = spans.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
      let reached = 0;
      for (const { start, end } of sorted) {
        expect(start).toBe(reached);
        reached = end;
      }
      expect(reached).toBe(size);
    }),
  );
});
