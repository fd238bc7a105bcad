import { file, type Io } from 'sluice';
import { describe, expect, test } from 'vitest';
import { hashOf, peerNodes } from '../fixtures/htex/peer-nodes.js';

const MIB = 2 ** 20;

const makeRandom = (bytes: number, io: Io) => io.sh`head -c ${bytes} /dev/urandom > ${io.outputs[0]}`;

describe.each([
  ['encrypted', true],
  ['in the clear', false],
])('inputs from the caches of other nodes, %s', (_, encrypted) => {
  test('the second node gets from the first what that one has fetched', async () => {
    await using nodes = await peerNodes(2, { peerTransfers: true, encrypted });
    const { server, managers, put, gets, on } = nodes;
    const [a, b] = managers as [string, string];
    const hash = put('/input', 5 * MIB);
    const input = file(`${server.origin}/input`);
    const first = await on(a, hashOf, [input]);
    expect(first.value[0]).toBe(hash);
    expect(first.usage.inputs).toMatchObject({ hits: 0, misses: 1 });
    const before = gets('/input');
    const second = await on(b, hashOf, [input]);
    expect(second.value[0]).toBe(hash);
    expect(second.usage.inputs).toMatchObject({ hits: 0, misses: 1, fromPeers: 1, peerBytes: 5 * MIB });
    expect(gets('/input')).toBe(before);
    expect((await on(b, hashOf, [input])).usage.inputs).toMatchObject({ hits: 1, misses: 0 });
  });

  test('a temporary file stays where it was made, and is fetched from there', async () => {
    await using nodes = await peerNodes(2, { encrypted });
    const { managers, on } = nodes;
    const [a, b] = managers as [string, string];
    const made = await on(a, makeRandom, [3_000_000], { kind: 'bash', outputs: ['temp:parts/some data.bin'] });
    expect(Object.keys(made.kept)).toEqual(['temp:parts/some data.bin']);
    const relayed = made.kept;
    const input = file('temp:parts/some data.bin');
    const here = await on(a, hashOf, [input], { relayed });
    const there = await on(b, hashOf, [input], { relayed });
    expect(there.value[0]).toBe(here.value[0]);
    expect(here.value[1]).toContain('/kept/');
    expect(here.usage.inputs).toBeUndefined();
    expect(there.usage.inputs).toMatchObject({ misses: 1 });
  });
});
