import type { LambdaClient } from '@aws-sdk/client-lambda';

const KEEP_ALIVE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** What a {@link createLambdaClient} is for. */
export interface LambdaClientOptions {
  readonly region?: string | undefined;
  /** As many as requests may be under way. */
  readonly maxSockets: number;
  /** 1 for invocations: whether one is repeated is decided where the concurrency is known. */
  readonly maxAttempts: number;
}

/** The SDK's client as the executor needs it: its sockets are kept alive 60 s, each request says its own timeout. */
export async function createLambdaClient(options: LambdaClientOptions): Promise<LambdaClient> {
  const { LambdaClient } = await import('@aws-sdk/client-lambda');
  const agent = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: options.maxSockets };
  return new LambdaClient({
    maxAttempts: options.maxAttempts,
    ...(options.region !== undefined && { region: options.region }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
      // All sockets busy is how this client is meant to work.
      socketAcquisitionWarningTimeout: 15 * 60_000,
    },
  });
}
