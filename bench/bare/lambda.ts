import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

/** The SDK alone, which sends the same payloads to the same function, so many at a time. */
export function openBareLambda(
  concurrency: number,
): { run(payload: Uint8Array, tasks: number): Promise<void> } & Disposable {
  const agent = { keepAlive: true, maxSockets: concurrency };
  const client = new LambdaClient({
    maxAttempts: 1,
    requestHandler: { httpAgent: agent, httpsAgent: agent, socketAcquisitionWarningTimeout: 60_000 },
  });
  return {
    async run(payload, tasks) {
      let left = tasks;
      const lane = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          const command = new InvokeCommand({ FunctionName: 'sluice-worker', Payload: payload, LogType: 'Tail' });
          const { FunctionError } = await client.send(command);
          if (FunctionError !== undefined) throw new Error(`the function failed: ${FunctionError}`);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, lane));
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}
