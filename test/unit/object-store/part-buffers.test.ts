import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MOST_HELD_BYTES, PartBuffers } from '../../../src/object-store/part-buffers.js';

const QUARTER = MOST_HELD_BYTES / 4;
const range = (length: number) => ({ start: 0, end: length - 1 });

/** Parts that are asked for by their names; each counts as the bytes its range says. */
function buffers() {
  const made = new PartBuffers();
  const read: string[] = [];
  const hold = (name: string, length: number, signal?: AbortSignal) =>
    made.hold(
      range(length),
      async () => {
        read.push(name);
        return new Uint8Array();
      },
      signal,
    );
  return { made, read, hold };
}

test('parts are read in the order in which they were asked for, and only when there is room', async () => {
  const { made, read, hold } = buffers();
  const parts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => hold(name, QUARTER));
  const first = await parts[0];
  await turn();
  expect(read).toEqual(['a', 'b', 'c', 'd']);
  expect(made.isContended).toBe(true);
  first?.release();
  first?.release();
  await parts[4];
  await turn();
  expect(read).toEqual(['a', 'b', 'c', 'd', 'e']);
  (await parts[1])?.release();
  await parts[5];
  expect(made.isContended).toBe(false);
});

test('a small part does not overtake a large one, and one larger than all the room has it alone', async () => {
  const { read, hold } = buffers();
  const first = await hold('small', 1);
  const giant = hold('giant', 5 * QUARTER);
  const last = hold('last', 1);
  await turn();
  expect(read).toEqual(['small']);
  first.release();
  const held = await giant;
  await turn();
  expect(read).toEqual(['small', 'giant']);
  held.release();
  await last;
});

test('who aborts while waiting leaves the line, and a part that cannot be read leaves its room', async () => {
  const { made, read, hold } = buffers();
  const first = await hold('first', 4 * QUARTER);
  const stop = new AbortController();
  const waiting = hold('waiting', 1, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(made.isContended).toBe(false);
  first.release();
  const failing = made.hold(range(4 * QUARTER), () => Promise.reject(new Error('no such file')), undefined);
  await expect(failing).rejects.toThrow('no such file');
  await hold('next', 4 * QUARTER);
  expect(read).toEqual(['first', 'next']);
});
