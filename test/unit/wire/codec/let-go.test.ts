import { expect, test } from 'vitest';
import { encode } from '../../../../src/wire/codec.js';
import { collectGarbage } from '../../../fixtures/kernel/collect-garbage.js';

test('nothing of a message is held once it is written, or was refused', async () => {
  const written = (extra: object): WeakRef<object> => {
    const list = { futures: [] as object[] };
    const value = { future: Promise.resolve(), extra };
    const slotOf = (future: object): number => list.futures.push(future) - 1;
    try {
      encode(value, { slotOf });
    } catch {}
    return new WeakRef(list);
  };
  for (const extra of [{}, new (class Refused {})()]) {
    const list = written(extra);
    await collectGarbage();
    expect(list.deref()).toBeUndefined();
  }
});
