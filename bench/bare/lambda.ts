import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

/** Invocations a second of the SDK alone: the same payload to the same function, as many at a time. */
export async function bareLambda(tasks: number, concurrency: number, payload: Uint8Array): Promise<number> {
  const agent = { keepAlive: true, maxSockets: concurrency };
  const client = new LambdaClient({ maxAttempts: 1, requestHandler: { httpAgent: agent, httpsAgent: agent } });
  const invoke = () =>
    client.send(new InvokeCommand({ FunctionName: 'sluice-worker', Payload: payload, LogType: 'Tail' }));
  const rush = async (count: number): Promise<void> => {
    let left = count;
    const lane = async (): Promise<void> => {
      for (; left > 0; ) {
        left -= 1;
        await invoke();
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
  };
  try {
    await rush(concurrency * 10);
    const startedMs = performance.now();
    await rush(tasks);
    return tasks / ((performance.now() - startedMs) / 1000);
  } finally {
    client.destroy();
  }
}
