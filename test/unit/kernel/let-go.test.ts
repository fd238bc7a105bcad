import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type AppFuture, app, type TaskEnvelope } from 'sluice';
import { expect, test } from 'vitest';
import { DataFlowKernel } from '../../../src/kernel/dataflow-kernel.js';
import { kernelParts } from '../../fixtures/kernel/kernel-parts.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';

test('of finished tasks neither the kernel nor their futures hold arguments, inputs or signals', async () => {
  const script = fileURLToPath(new URL('../../fixtures/kernel/let-go.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script]);
  expect(JSON.parse(stdout)).toEqual({ watched: 6, reachable: [], futures: 5 });
});

test('a done task lets its encoded arguments go', async () => {
  const references: WeakRef<Uint8Array>[] = [];
  const executor = new ScriptedExecutor({
    before: ({ call }: TaskEnvelope) => {
      references.push(new WeakRef(call));
    },
  });
  const kernel = new DataFlowKernel(kernelParts({ executors: [executor] }));
  await app((text: string) => text.length, { name: 'size', kernel })('x'.repeat(1_000));
  executor.submitted.length = 0;
  expect(references).toHaveLength(1);
  await collectGarbage();
  expect(references[0]?.deref()).toBeUndefined();
});

test('a task that was cancelled while it waited lets go of what it waited for', async () => {
  const kernel = new DataFlowKernel(kernelParts());
  const pair = app((a: number, b: number) => a + b, { name: 'pair', kernel });
  const never = new Promise<number>(() => {});
  const cancelled = (): { waiting: AppFuture<number>; other: WeakRef<object> } => {
    const done = pair(1, 2);
    const waiting = pair(never, done);
    waiting.cancel();
    return { waiting, other: new WeakRef(done) };
  };
  const { waiting, other } = cancelled();
  await kernel.waitForAll();
  await collectGarbage();
  expect(other.deref()).toBeUndefined();
  expect([waiting.status, never]).toEqual(['cancelled', expect.any(Promise)]);
});

async function collectGarbage(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}
