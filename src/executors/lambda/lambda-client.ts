import type { LambdaClient } from '@aws-sdk/client-lambda';

const KEEP_ALIVE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * The SDK's client as the executor needs it: as many sockets as invocations may be under way, kept alive 60 s, and no
 * retries of its own: they are decided where the concurrency is known.
 */
export async function createLambdaClient(options: {
  readonly region?: string | undefined;
  readonly maxSockets: number;
}): Promise<LambdaClient> {
  const { LambdaClient } = await import('@aws-sdk/client-lambda');
  const agent = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: options.maxSockets };
  return new LambdaClient({
    maxAttempts: 1,
    ...(options.region !== undefined && { region: options.region }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      // Each request says its own requestTimeout.
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
      // All sockets busy is how this client is meant to work.
      socketAcquisitionWarningTimeout: 15 * 60_000,
    },
  });
}
