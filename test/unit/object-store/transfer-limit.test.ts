import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlaceAnswer } from '../../../src/adaptive-limit.js';
import type { Gate, GatePlace } from '../../../src/object-store/retry-policy.js';
import { TransferLimit, transferLimitOf } from '../../../src/object-store/transfer-limit.js';

/** Errors are what they say of the load. */
const gateOf = (limit: TransferLimit): Gate => limit.gateFor((error) => error as PlaceAnswer);

/** Goes on from answer to answer: who refuses the requests of a round beyond `capacity`, and who waits for a place. */
class Simulation {
  readonly started: string[] = [];
  refused = 0;
  done = 0;
  #sent: { readonly name: string; readonly place: GatePlace; readonly gate: Gate }[] = [];

  /** One request after another of a transfer, all at once asked for. */
  ask(gate: Gate, name: string, count: number): void {
    for (let index = 0; index < count; index += 1) void this.#enter(gate, `${name}${index}`, 'first');
  }

  /** The service answers what it has: `capacity` requests, and refuses the others. How many it had. */
  async answer(capacity: number, refusal: PlaceAnswer = 'throttled'): Promise<number> {
    await turn();
    const round = this.#sent;
    this.#sent = [];
    round.forEach(({ name, place, gate }, index) => {
      if (index < capacity) {
        this.done += 1;
        place.succeeded(undefined);
      } else {
        this.refused += 1;
        place.failed(refusal);
        void this.#enter(gate, name, 'again');
      }
    });
    return round.length;
  }

  async #enter(gate: Gate, name: string, kind: 'first' | 'again'): Promise<void> {
    const place = await gate.enter(undefined, kind);
    if (kind === 'first') this.started.push(name);
    this.#sent.push({ name, place, gate });
  }
}

describe('a transfer limit', () => {
  test('gives a place in the very turn while there is room, and 16 before anything is known', () => {
    const gate = gateOf(new TransferLimit(64));
    const entered = Array.from({ length: 17 }, () => gate.enter(undefined, 'first'));
    expect(entered.map((one) => one instanceof Promise)).toEqual([...Array(16).fill(false), true]);
  });

  test('grows to all that it may while transfers wait and none is refused', async () => {
    const limit = new TransferLimit(64);
    const simulation = new Simulation();
    simulation.ask(gateOf(limit), 'a', 400);
    const rounds: number[] = [];
    for (let round = 0; round < 5; round += 1) rounds.push(await simulation.answer(1_000));
    expect(rounds).toEqual([16, 32, 64, 64, 64]);
  });

  test('does not grow where nobody waits', async () => {
    const limit = new TransferLimit(64);
    const simulation = new Simulation();
    for (let round = 0; round < 20; round += 1) {
      simulation.ask(gateOf(limit), 'a', 10);
      await simulation.answer(1_000);
    }
    expect(simulation.done).toBe(200);
    expect(limit.current).toBe(16);
  });

  test.each([
    ['throttled', 8],
    ['broken', 12],
    ['failed', 16],
  ] as const)('after a round that was %s, lets %i go', async (answer, expected) => {
    const limit = new TransferLimit(64);
    const simulation = new Simulation();
    simulation.ask(gateOf(limit), 'a', 100);
    expect(await simulation.answer(0, answer)).toBe(16);
    expect(limit.current).toBe(expected);
    expect(await simulation.answer(0, 'failed')).toBe(expected);
  });

  test('recovers from the lowest to the highest', async () => {
    const limit = new TransferLimit(32);
    const simulation = new Simulation();
    simulation.ask(gateOf(limit), 'a', 2_000);
    for (let round = 0; round < 10; round += 1) await simulation.answer(0);
    expect(limit.current).toBe(1);
    for (let round = 0; round < 70; round += 1) await simulation.answer(1_000);
    expect(limit.current).toBe(32);
  });

  test('learns a service that takes N at a time: everything gets through, and little is refused', async () => {
    const check = async (capacity: number) => {
      const limit = new TransferLimit(64);
      const simulation = new Simulation();
      const count = 100 * capacity;
      simulation.ask(gateOf(limit), 'a', count);
      let rounds = 0;
      while (simulation.done < count) {
        const learning = simulation.done < count / 4;
        const before = simulation.refused;
        const sent = await simulation.answer(capacity);
        if (!learning) expect(simulation.refused - before).toBeLessThanOrEqual(1);
        if (sent > 0) expect(limit.current).toBeLessThanOrEqual(64);
        rounds += 1;
      }
      // Never below half of what the service takes, once it is known.
      expect(rounds).toBeLessThan((2 * count) / capacity + 20);
      expect(simulation.refused).toBeLessThan(64 + rounds);
    };
    await fc.assert(fc.asyncProperty(fc.integer({ min: 2, max: 40 }), check), { numRuns: 20 });
  });

  test('lets in who came first, and before them who was refused', async () => {
    const limit = new TransferLimit(4, 4);
    const simulation = new Simulation();
    simulation.ask(gateOf(limit), 'a', 6);
    simulation.ask(gateOf(limit), 'b', 6);
    await simulation.answer(0);
    expect(simulation.started).toEqual(['a0', 'a1', 'a2', 'a3']);
    // The four that were refused, two at a time, are done before anybody else begins.
    await simulation.answer(1_000);
    expect([simulation.done, simulation.started.length]).toEqual([2, 4]);
    while (simulation.done < 12) await simulation.answer(1_000);
    expect(simulation.started).toEqual(
      [0, 1, 2, 3, 4, 5].map((n) => `a${n}`).concat([0, 1, 2, 3, 4, 5].map((n) => `b${n}`)),
    );
  });

  test('is one for all who go to the same place, and keeps the larger of their bounds', async () => {
    const place = 'http://one.example.org';
    const one = transferLimitOf(place, 20);
    expect(transferLimitOf(place, 40)).toBe(one);
    expect(transferLimitOf('http://another.example.org', 20)).not.toBe(one);
    const simulation = new Simulation();
    simulation.ask(gateOf(one), 'a', 12);
    simulation.ask(gateOf(transferLimitOf(place, 20)), 'b', 200);
    const rounds: number[] = [];
    for (let round = 0; round < 4; round += 1) rounds.push(await simulation.answer(1_000));
    expect(rounds).toEqual([16, 32, 40, 40]);
    expect(simulation.started.slice(10, 14)).toEqual(['a10', 'a11', 'b0', 'b1']);
  });

  test('who aborts while waiting leaves the line, with the reason, and takes no place', async () => {
    const gate = gateOf(new TransferLimit(1, 1));
    const first = gate.enter(undefined, 'first') as GatePlace;
    const stop = new AbortController();
    const given: string[] = [];
    const second = gate.enter(stop.signal, 'first') as Promise<GatePlace>;
    const third = (gate.enter(undefined, 'first') as Promise<GatePlace>).then(() => given.push('third'));
    stop.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    await turn();
    expect(given).toEqual([]);
    first.succeeded(undefined);
    await third;
    const late = gate.enter(stop.signal, 'first') as Promise<GatePlace>;
    await expect(late).rejects.toThrow('enough');
  });

  test('a place is given back once, however often its end is told', async () => {
    const limit = new TransferLimit(2, 2);
    const gate = gateOf(limit);
    const [one] = [gate.enter(undefined, 'first') as GatePlace, gate.enter(undefined, 'first')];
    one.failed('failed');
    one.succeeded(undefined);
    expect(gate.enter(undefined, 'first')).not.toBeInstanceOf(Promise);
    expect(gate.enter(undefined, 'first')).toBeInstanceOf(Promise);
  });
});
