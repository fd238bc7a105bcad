import type { InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import type { Answer } from '../../http/answer.js';
import { sha256, signed } from '../../http/aws-signature.js';
import { HttpFailure } from '../../http/http-failure.js';
import { HttpPool } from '../../http/http-pool.js';
import { lambdaFailure } from './lambda-failure.js';

/** Invokes one function by requests of our own: the SDK's way there and back costs more than what the kernel does for a task. */
export interface LambdaWire {
  /** One synchronous invocation. Rejects as the SDK does, with `name`, `message`, `$metadata`, `retryAfterSeconds`. */
  invoke(payload: Uint8Array, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

export interface LambdaWireOptions {
  readonly functionName: string;
  /** As many as requests may be under way. */
  readonly maxSockets: number;
  /** Longest wait for an answer, in milliseconds. */
  readonly answerMs: number;
}

/**
 * A {@link LambdaWire} with a client's region and endpoint, and with its keys, for which it goes on to ask it. Rejects as
 * {@link lambdaFailure} says.
 */
export async function openLambdaWire(client: LambdaClient, options: LambdaWireOptions): Promise<LambdaWire> {
  const { functionName } = options;
  const destination = await destinationOf(client, functionName).catch((error: unknown) => {
    throw lambdaFailure(error, { functionName, doing: 'invoking' });
  });
  const { origin, host, path, region, service } = destination;
  const pool = new HttpPool({
    connections: options.maxSockets,
    idleMs: options.answerMs,
    keepAliveMs: KEEP_ALIVE_MS,
  });
  let clockOffsetMs = 0;

  const send = async (payload: Uint8Array, signal: AbortSignal): Promise<Answer> => {
    const credentials = await client.config.credentials();
    const headers = { host, 'content-type': 'application/octet-stream', 'x-amz-log-type': 'Tail' };
    const unsigned = { method: 'POST', path, headers, payloadHash: sha256(payload) } as const;
    const now = new Date(Date.now() + clockOffsetMs);
    const request = {
      origin,
      method: 'POST',
      path,
      headers: signed(unsigned, { region, service, credentials }, now),
      body: payload,
    } as const;
    try {
      return await pool.send(request, { signal });
    } catch (error) {
      throw isSilence(error) ? new Error(`no answer within ${options.answerMs / 1_000} s`, { cause: error }) : error;
    }
  };
  return {
    async invoke(payload, signal) {
      const answer = await send(payload, signal);
      if (answer.status < 300) return answer;
      const aheadMs = clockErrorMs(answer, Date.now() + clockOffsetMs);
      if (answer.status !== 403 || aheadMs < TOLERATED_CLOCK_ERROR_MS) throw await failureOf(answer);
      // The signature was refused by a service whose clock shows another time, so nothing has run.
      clockOffsetMs = Date.parse(answer.headers.date as string) - Date.now();
      const again = await send(payload, signal);
      if (again.status < 300) return again;
      throw await failureOf(again);
    },
    close: () => pool.destroy(),
  };
}

const KEEP_ALIVE_MS = 60_000;
// Source: AWS IAM User Guide, "Elements of an AWS API request signature": a request is taken within 5 minutes of its time.
const TOLERATED_CLOCK_ERROR_MS = 4 * 60_000;

interface Destination {
  readonly origin: string;
  readonly host: string;
  readonly path: string;
  readonly region: string;
  readonly service: string;
}

/** Where the SDK would send an invocation, and what it would sign it for: one that is made, signed, and not sent. */
async function destinationOf(client: LambdaClient, functionName: string): Promise<Destination> {
  const { InvokeCommand } = await import('@aws-sdk/client-lambda');
  const command = new InvokeCommand({ FunctionName: functionName });
  let destination: Destination | undefined;
  command.middlewareStack.add(
    () => async (args) => {
      destination = readDestination(args.request as SignedRequest);
      return { response: {}, output: { $metadata: {} } as InvokeCommandOutput };
    },
    { step: 'deserialize', priority: 'high' },
  );
  await client.send(command);
  if (destination === undefined) throw new Error('the SDK made a request that was not seen');
  return destination;
}

interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function readDestination({ protocol, hostname, port, path, headers }: SignedRequest): Destination {
  const host = port === undefined ? hostname : `${hostname}:${port}`;
  const [, region, service] =
    /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(headers.authorization ?? '') ?? [];
  if (region === undefined || service === undefined)
    throw new Error('the SDK signs for Lambda in a way that is not known');
  return { origin: `${protocol}//${host}`, host, path, region, service };
}

function isSilence(error: unknown): boolean {
  return error instanceof HttpFailure && error.code === 'SILENCE';
}

function clockErrorMs(answer: Answer, nowMs: number): number {
  const serverMs = Date.parse(answer.headers.date ?? '');
  return Number.isNaN(serverMs) ? 0 : Math.abs(serverMs - nowMs);
}

// As the SDK's errors are, which requests that are sent by it fail with.
async function failureOf(answer: Answer): Promise<Error> {
  const text = await answer.body.text();
  const said = documentOf(text);
  const error = new Error(
    said.message ?? said.Message ?? (text === '' ? `HTTP status ${answer.status}` : text.slice(0, 200)),
  );
  error.name = (answer.headers['x-amzn-errortype'] ?? said.__type ?? 'Unknown').replace(/^.*#|:.*$/g, '');
  const retryAfterSeconds = answer.headers['retry-after'];
  const $metadata = { httpStatusCode: answer.status, requestId: answer.headers['x-amzn-requestid'] };
  return Object.assign(error, { $metadata, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
}

function documentOf(text: string): Readonly<Partial<Record<'message' | 'Message' | '__type', string>>> {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}
