import type { Answer, AnswerSignals } from '../../http/answer.js';
import { encodeKey, sha256, signed } from '../../http/aws-signature.js';
import { HttpPool } from '../../http/http-pool.js';
import { PAYING } from './s3-client.js';
import type { S3Destination } from './s3-destination.js';
import { errorIn } from './s3-documents.js';
import { S3Failure } from './s3-failure.js';
import type { ResolvedS3StoreOptions } from './s3-options.js';

/** A request about a bucket, or an object in it. */
export interface S3Request extends AnswerSignals {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'POST' | 'DELETE';
  /** Absent: it is about the bucket. */
  readonly key?: string;
  /** Text of the query, encoded and in the order of its names; without `?`. */
  readonly query?: string;
  /** Names in lower case. One whose value is `undefined` is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array;
}

/**
 * Requests that are signed and sent without the SDK, whose way there and back takes several times as long as the transfer of
 * a small object does. They reject with an {@link S3Failure} where the answer is an error, and otherwise as the pool's do.
 */
export interface S3Wire {
  /** Scheme, host, port and path of the bucket. */
  readonly bucket: string;
  send(request: S3Request): Promise<Answer>;
  /** Resolves with the document that the answer is; one that is an error rejects, whatever the answer's status. */
  ask(request: S3Request): Promise<string>;
  close(): void;
}

/** An {@link S3Wire} to one bucket. */
export function openS3Wire(destination: S3Destination, options: ResolvedS3StoreOptions): S3Wire {
  const { origin, host, path: folder, region } = destination;
  const pool = new HttpPool({ connections: options.concurrency, idleMs: options.idleTimeoutMs });
  const isSecret = origin.startsWith('https:');
  const send: S3Wire['send'] = async ({ method, key, query, headers = {}, body, ...signals }) => {
    // As the SDK: what TLS carries need not be hashed once more.
    const payloadHash = body === undefined ? HASH_OF_NOTHING : isSecret ? 'UNSIGNED-PAYLOAD' : sha256(body);
    const path = key === undefined ? folder || '/' : `${folder}/${encodeKey(key)}`;
    const unsigned = {
      method,
      path,
      query,
      headers: { host, ...given(headers), ...(options.requesterPays && PAYING) },
      payloadHash,
    };
    const scope = async () => ({ region, service: 's3', credentials: await destination.credentials() });
    const request = {
      origin,
      method,
      path: query === undefined ? path : `${path}?${query}`,
      headers: options.anonymous ? unsigned.headers : signed(unsigned, await scope(), new Date()),
      body,
    };
    const answer = await pool.send(request, signals);
    if (answer.status < 300) return answer;
    throw failureOf(answer.status, answer, await answer.body.text());
  };
  return {
    bucket: `${origin}${folder}`,
    send,
    async ask(request) {
      const answer = await send(request);
      const text = await answer.body.text();
      // S3 begins some answers before it knows how they end. Source: CompleteMultipartUpload, Amazon S3 API Reference.
      if (text.trim() === '' || text.trimEnd().endsWith('</Error>')) throw failureOf(UNAVAILABLE, answer, text);
      return text;
    },
    // What still waits for an answer has been given up by its caller.
    close: () => pool.destroy(),
  };
}

const HASH_OF_NOTHING = sha256('');
const UNAVAILABLE = 503;

function given(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function failureOf(status: number, { headers }: Answer, text: string): S3Failure {
  const said = errorIn(text);
  return new S3Failure({
    code: said?.code ?? '',
    message: said?.message ?? `HTTP status ${status}`,
    status,
    requestId: headers['x-amz-request-id'] ?? said?.requestId,
    region: headers['x-amz-bucket-region'] ?? said?.region,
    retryAfter: headers['retry-after'],
  });
}
