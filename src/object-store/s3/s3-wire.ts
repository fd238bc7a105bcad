import { XMLParser } from 'fast-xml-parser';
import { Pool } from 'undici';
import { SluiceError } from '../../errors.js';
import { encodeKey, sha256, signed, type UnsignedRequest } from '../../http/aws-signature.js';
import { type Answer, type AnswerSignals, dispatched, headerOf } from '../../http/http-answer.js';
import { type openS3Client, PAYING } from './s3-client.js';
import type { ResolvedS3StoreOptions, S3Credentials } from './s3-options.js';

/** A request about one object. */
export interface ObjectRequest extends AnswerSignals {
  readonly method: 'GET' | 'PUT' | 'HEAD';
  readonly key: string;
  /** Text of the query, encoded and in the order of its names; without `?`. */
  readonly query?: string;
  /** Names in lower case. One whose value is `undefined` is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array;
}

/**
 * Requests that carry objects, signed and sent without the SDK, whose way there and back takes several times as long as
 * the transfer of a small object does. Keys, region and endpoint are the SDK's.
 */
export interface S3Wire {
  /** Scheme, host and port that they go to. */
  readonly origin: string;
  /** Rejects as the SDK does, with `name`, `message`, `$metadata` and `$response`. */
  send(request: ObjectRequest): Promise<Answer>;
  close(): Promise<void>;
}

/** An {@link S3Wire} to the bucket of a client. @throws {SluiceError} `INVALID_OPTIONS` for a bucket that needs another signature */
export async function openS3Wire(
  { sdk, client }: Awaited<ReturnType<typeof openS3Client>>,
  options: ResolvedS3StoreOptions,
): Promise<S3Wire> {
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  // The one public way to learn where the SDK would send a request, and what it would sign it for.
  const example = new URL(await getSignedUrl(client, new sdk.GetObjectCommand({ Bucket: options.bucket, Key: 'k' })));
  const folder = example.pathname.slice(0, -'k'.length);
  const region = regionOf(example, options.bucket);
  const pool = new Pool(example.origin, {
    connections: options.concurrency,
    connectTimeout: CONNECT_TIMEOUT_MS,
    headersTimeout: options.idleTimeoutMs,
    bodyTimeout: options.idleTimeoutMs,
  });
  const isSecret = example.protocol === 'https:';
  const sign = async (request: UnsignedRequest): Promise<Record<string, string>> => {
    const credentials: S3Credentials = await client.config.credentials();
    return signed(request, { region, service: 's3', credentials }, new Date());
  };
  return {
    origin: example.origin,
    async send({ method, key, query, headers = {}, body, ...signals }) {
      // As the SDK: what TLS carries need not be hashed once more.
      const payloadHash = body === undefined ? HASH_OF_NOTHING : isSecret ? 'UNSIGNED-PAYLOAD' : sha256(body);
      const path = folder + encodeKey(key);
      const unsigned = {
        method,
        path,
        query,
        headers: { host: example.host, ...given(headers), ...(options.requesterPays && PAYING) },
        payloadHash,
      };
      const request = {
        method,
        path: query === undefined ? path : `${path}?${query}`,
        headers: options.anonymous ? unsigned.headers : await sign(unsigned),
        body,
      };
      const answer = await dispatched(pool, request, signals);
      if (answer.status < 300) return answer;
      throw failureOf(answer, await answer.body.text());
    },
    // What still waits for an answer has been given up by its caller.
    close: () => pool.destroy(),
  };
}

const CONNECT_TIMEOUT_MS = 10_000;
const HASH_OF_NOTHING = sha256('');

function regionOf(example: URL, bucket: string): string {
  const [, , region, service] = (example.searchParams.get('X-Amz-Credential') ?? '').split('/');
  if (service === 's3' && region !== undefined) return region;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `s3://${bucket}: directory buckets and multi-Region access points are signed in ways of their own, which is not supported: name a general purpose bucket`,
  );
}

function given(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

// As the SDK's errors are, whose fields the store's errors are made of.
function failureOf(answer: Answer, text: string): Error {
  const { status, headers } = answer;
  const said = documentOf(text);
  const error = new Error(said.Message ?? (text === '' ? 'UnknownError' : `HTTP status ${status}`));
  error.name = said.Code ?? 'Unknown';
  const requestId = headerOf(answer, 'x-amz-request-id') ?? said.RequestId;
  return Object.assign(error, {
    $metadata: { httpStatusCode: status, requestId },
    $response: { headers },
    ...(said.Region !== undefined && { Region: said.Region }),
  });
}

const parser = new XMLParser({ parseTagValue: false });

function documentOf(text: string): Readonly<Record<'Code' | 'Message' | 'RequestId' | 'Region', string | undefined>> {
  try {
    const { Error: said = {} } = parser.parse(text) as { Error?: Record<string, unknown> };
    const textOf = (name: string): string | undefined => (typeof said[name] === 'string' ? said[name] : undefined);
    return {
      Code: textOf('Code'),
      Message: textOf('Message'),
      RequestId: textOf('RequestId'),
      Region: textOf('Region'),
    };
  } catch {
    return { Code: undefined, Message: undefined, RequestId: undefined, Region: undefined };
  }
}
