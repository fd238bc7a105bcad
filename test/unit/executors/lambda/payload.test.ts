import { describe, expect, test } from 'vitest';
import { readPayload, type Spill, writePayload } from '../../../../src/executors/lambda/payload.js';
import { createMemoryStore } from '../../../../src/object-store/memory/memory-store.js';
import { decode, encode } from '../../../../src/wire/codec.js';
import { INLINE_LIMIT_BYTES, PAYLOAD_LIMIT_BYTES } from '../../../../src/wire/lambda-message.js';
import type { TaskEnvelope } from '../../../../src/wire/task-envelope.js';

const signal = new AbortController().signal;
const read = (text: string, spill?: Spill) => readPayload(Buffer.from(text), spill, signal);

/** An envelope of this many encoded bytes. */
function envelopeOf(size: number): TaskEnvelope {
  const make = (bytes: number) => ({ taskId: 3, app: { name: 'big' }, call: new Uint8Array(bytes) }) as TaskEnvelope;
  const overhead = encode(make(size)).bytes.byteLength - size;
  return make(size - overhead);
}

describe('writePayload', () => {
  test('sends what just fits inline, and it stays below the limit of Lambda', async () => {
    const payload = await writePayload(envelopeOf(INLINE_LIMIT_BYTES), undefined, signal);
    expect(payload.byteLength).toBeLessThanOrEqual(PAYLOAD_LIMIT_BYTES);
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ kind: 'run', task: expect.any(String) });
  });

  test('refuses a byte more without a bucket, and says what to do', async () => {
    await expect(writePayload(envelopeOf(INLINE_LIMIT_BYTES + 1), undefined, signal)).rejects.toMatchObject({
      code: 'NOT_SENDABLE',
      message:
        "task 3 'big' is 4.5 MiB with its arguments, more than a Lambda payload holds: give LambdaExecutor a bucket, or pass files",
    });
  });

  test('writes a byte more to the bucket', async () => {
    const store = createMemoryStore({ bucket: 'b' });
    const payload = await writePayload(envelopeOf(INLINE_LIMIT_BYTES + 1), { store, prefix: 'p/3-1' }, signal);
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
      kind: 'run',
      taskAt: `${store.url}/p/3-1/task`,
      spillTo: `${store.url}/p/3-1/result`,
    });
    expect(decode(await store.get('p/3-1/task'))).toMatchObject({ taskId: 3 });
  });
});

describe('readPayload', () => {
  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['half a document', '{"kind":"outc'],
    ['a document of another kind', '{"kind":"other"}'],
    ['an outcome that is none', '{"kind":"outcome","outcome":"AAAA"}'],
    ['an outcome without bytes', '{"kind":"outcome"}'],
  ])('%s is PROTOCOL, class infrastructure', async (_, text) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'PROTOCOL', class: 'infrastructure' });
  });

  test('fetches an outcome that lies in the bucket', async () => {
    const store = createMemoryStore({ bucket: 'b' });
    await store.put('p/result', encode({ kind: 'error' }).bytes);
    const reply = JSON.stringify({ kind: 'outcomeAt', url: `${store.url}/p/result` });
    await expect(read(reply, { store, prefix: 'p' })).resolves.toEqual({ kind: 'error' });
    await expect(read(reply)).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining('no bucket'),
    });
  });
});
