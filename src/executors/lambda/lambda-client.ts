import type { LambdaClient } from '@aws-sdk/client-lambda';

const KEEP_ALIVE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_ATTEMPTS = 3;

/** What a {@link createLambdaClient} is for. */
export interface LambdaClientOptions {
  readonly region?: string | undefined;
  /** As many as requests may be under way. */
  readonly maxSockets: number;
}

/** The SDK's client, for all but invocations: its sockets are kept alive 60 s, each request says its own timeout. */
export async function createLambdaClient(options: LambdaClientOptions): Promise<LambdaClient> {
  const { LambdaClient } = await import('@aws-sdk/client-lambda');
  const agent = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: options.maxSockets };
  return new LambdaClient({
    maxAttempts: MAX_ATTEMPTS,
    ...(options.region !== undefined && { region: options.region }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
