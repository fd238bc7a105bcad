import { expect, test, vi } from 'vitest';
import { KeptDrops } from '../../../../src/executors/htex/kept-drops.js';
import type { ClientMessage } from '../../../../src/wire/pilot/messages.js';

const kept = (manager: string, path: string) => `peer://${manager}@10.0.0.1:7000/abc/1-00000000/${path}`;

test('files that are dropped go together, each to its manager, and no others do', async () => {
  const sent: ClientMessage[] = [];
  const drops = new KeptDrops((message) => sent.push(message));
  drops.add([kept('m1', '1-1/a%20b'), 'file:///elsewhere', kept('m2', '2-1/c')]);
  drops.add([kept('m1', '3-1/d')]);
  expect(sent).toEqual([]);
  await vi.waitFor(() => expect(sent).not.toEqual([]));
  expect(sent).toEqual([
    { kind: 'drop', manager: 'm1', paths: ['1-1/a%20b', '3-1/d'] },
    { kind: 'drop', manager: 'm2', paths: ['2-1/c'] },
  ]);
  drops.add(Array.from({ length: 2_500 }, (_, index) => kept('m1', `${index}-1/x`)));
  await vi.waitFor(() => expect(sent).toHaveLength(5));
  expect(sent.slice(2).map((message) => message.kind === 'drop' && message.paths.length)).toEqual([1_000, 1_000, 500]);
});

test('what has not been said at the close is not said', () => {
  vi.useFakeTimers();
  try {
    const sent: ClientMessage[] = [];
    const drops = new KeptDrops((message) => sent.push(message));
    drops.add([kept('m1', '1-1/a')]);
    drops.close();
    vi.runAllTimers();
    expect(sent).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
