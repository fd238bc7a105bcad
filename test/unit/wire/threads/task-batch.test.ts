import { expect, test } from 'vitest';
import { encodeCall } from '../../../../src/wire/codec.js';
import { type AppCode, type TaskEnvelope, WIRE_VERSION } from '../../../../src/wire/task-envelope.js';
import { createBatchReader, encodeBatch } from '../../../../src/wire/threads/task-batch.js';

const code = (name: string): AppCode => ({
  name,
  kind: 'function',
  source: '() => 1',
  hash: 'same for all',
  io: false,
  arity: 0,
  definedIn: '',
});
const envelope = (taskId: number, app: AppCode, more: Partial<TaskEnvelope> = {}): TaskEnvelope => ({
  version: WIRE_VERSION,
  runId: 'run',
  taskId,
  attempt: 1,
  app,
  call: encodeCall([taskId], []).bytes,
  slots: [],
  files: [],
  outputs: [],
  ...more,
});
const [a, b] = [code('a'), code('b')];

test('envelopes arrive as they were, with the fields that only some have', () => {
  const sent = [
    envelope(0, a),
    envelope(1, b, { priority: 3, stdout: 'file:///out', resources: { cores: 1 } }),
    envelope(2, a, { slots: [{ kind: 'inline', bytes: new Uint8Array([1, 2]), files: ['file:///x'] }] }),
  ];
  expect(createBatchReader()(encodeBatch(sent))).toEqual(sent);
});

test('apps of one source keep their names apart, from batch to batch', () => {
  const read = createBatchReader();
  expect(read(encodeBatch([envelope(0, a)]))[0]?.app.name).toBe('a');
  expect(read(encodeBatch([envelope(1, b), envelope(2, a)])).map(({ app }) => app.name)).toEqual(['b', 'a']);
});

test('a thread reads the code of an app once', () => {
  const read = createBatchReader();
  const [first] = read(encodeBatch([envelope(0, a)]));
  const [second] = read(encodeBatch([envelope(1, a)]));
  expect(second?.app).toBe(first?.app);
});
