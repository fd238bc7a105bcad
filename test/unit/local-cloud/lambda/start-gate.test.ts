import { describe, expect, test } from 'vitest';
import { StartGate } from '../../../../src/local-cloud/lambda/start-gate.js';

/** Asks `count` times to be let in; `inside` names who is, in order. */
function crowd(gate: StartGate, count: number) {
  const inside: number[] = [];
  const entries = Array.from({ length: count }, async (_, index) => {
    const leave = await gate.enter();
    inside.push(index);
    return leave;
  });
  return { inside, entries };
}

describe('a start gate', () => {
  test('lets so many in, and the rest as these leave, first come, first served', async () => {
    const gate = new StartGate(2);
    const { inside, entries } = crowd(gate, 4);
    const [first, second] = await Promise.all(entries.slice(0, 2));
    expect(inside).toEqual([0, 1]);
    second?.();
    await entries[2];
    expect(inside).toEqual([0, 1, 2]);
    first?.();
    await entries[3];
    expect(inside).toEqual([0, 1, 2, 3]);
    const late = crowd(gate, 1);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(late.inside).toEqual([]);
    (await entries[3])?.();
    await late.entries[0];
  });

  test('counts who leaves twice once', async () => {
    const gate = new StartGate(1);
    const { inside, entries } = crowd(gate, 3);
    const leave = await entries[0];
    leave?.();
    leave?.();
    await entries[1];
    // One more would come in within these turns, had the second call counted.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(inside).toEqual([0, 1]);
    (await entries[1])?.();
    await entries[2];
  });

  test('is empty again when all have left', async () => {
    const gate = new StartGate(1);
    for (let round = 0; round < 3; round++) (await gate.enter())();
    const { inside, entries } = crowd(gate, 1);
    await entries[0];
    expect(inside).toEqual([0]);
  });

  test('waits for nobody longer than half a second', async () => {
    const { entries } = crowd(new StartGate(1), 2);
    const startedMs = performance.now();
    await entries[1];
    expect(performance.now() - startedMs).toBeGreaterThan(400);
  });
});
