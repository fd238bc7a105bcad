import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../../errors.js';
import { answerFailure } from '../answer-failure.js';
import { type FaultSource, NO_FAULTS } from '../faults/faults.js';
import { runUnderFault } from '../faults/run-under-fault.js';
import { createRequestLedger } from '../request-ledger.js';
import { type SignedPayload, verifySigV4 } from '../sigv4.js';
import { admit, claimedRegion, isUnsigned } from './access/admit.js';
import { findOperation } from './find-operation.js';
import { replyError } from './reply.js';
import { S3Error, scriptedError } from './s3-error.js';
import { effectiveHeaders, parseTarget } from './s3-request.js';
import { Buckets } from './store/buckets.js';

export interface S3ServiceOptions {
  /** Where buckets and objects lie; made when missing. One service at a time may use it. */
  readonly folder: string;
  /** The secret of an access key; `undefined` when the key does not exist. */
  readonly credentials: (accessKeyId: string) => string | undefined;
  /** The region requests must be signed for. */
  readonly region: string;
  /** Further ones: a bucket is in the region its making was signed for, and others are sent there. Default: none. */
  readonly furtherRegions?: readonly string[];
  /** The clock, in milliseconds since the epoch. Default: the machine's. */
  readonly now?: () => number;
  /** What goes wrong with requests that are signed as they must be. Default: nothing. */
  readonly faults?: FaultSource;
}

/** An S3 server without its socket. */
export interface S3Service {
  /**
   * Answers one request as S3 would, path-style. Takes Node's own objects, with the URL and body untouched.
   * Resolves when the answer is handed over; never rejects.
   */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Refuses further requests; resolves when those under way are answered, or cut off after two seconds. Idempotent. */
  close(): Promise<void>;
}

/**
 * A stand-in for S3 that keeps its state in a folder: it survives a restart, and a kill, without half-written objects.
 *
 * Every signature, digest, checksum and precondition is verified; what is not implemented is refused with 501 or 405.
 */
export function createS3Service(options: S3ServiceOptions): S3Service {
  const buckets = new Buckets(options.folder, options.region);
  const now = options.now ?? Date.now;
  const faults = options.faults ?? NO_FAULTS;
  const ledger = createRequestLedger();
  let loaded: Promise<void> | undefined;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
    response.setHeader('x-amz-request-id', requestId);
    response.setHeader('server', 'sluice-local-cloud');
    const method = request.method ?? 'GET';
    try {
      if (ledger.closed) throw new S3Error('InternalError', 'The server is closed.');
      loaded ??= buckets.load();
      await loaded;
      await answerAuthentic(request, response, requestId);
    } catch (error) {
      answerFailure(response, () =>
        replyError({ response, requestId, method, resource: request.url ?? '' }, errorOf(error)),
      );
    }
  };

  const authenticate = (incoming: IncomingMessage): { signedFor: string | undefined; payload: SignedPayload } => {
    if (isUnsigned(incoming)) return { signedFor: undefined, payload: { kind: 'unsigned' } };
    const { method = 'GET', url = '/', headers } = incoming;
    const claimed = claimedRegion(incoming);
    const region = options.furtherRegions?.find((one) => one === claimed) ?? options.region;
    const how = { credentials: options.credentials, nowMs: now(), service: 's3', region };
    const verdict = verifySigV4({ method, url, headers }, how);
    if (verdict.kind === 'refused') throw new S3Error(verdict.code, verdict.message, { details: verdict.details });
    return { signedFor: region, payload: verdict.payload };
  };

  const answerAuthentic = async (incoming: IncomingMessage, response: ServerResponse, requestId: string) => {
    const { method = 'GET', url = '/' } = incoming;
    const { signedFor, payload } = authenticate(incoming);
    const { address, query } = parseTarget(url);
    const headers = effectiveHeaders(incoming, query);
    // The request must outlive a reader that stops early, or its connection closes before the answer.
    const body = incoming.iterator({ destroyOnReturn: false });
    const request = { body, response, requestId, method, address, query, headers, payload };
    const operation = findOperation(request);
    admit({ address, operation: operation.name, headers, signedFor }, buckets);
    const region = signedFor ?? options.region;
    const run = (asked: typeof request) => operation.run(asked, { buckets, region, now });
    const { kind: _, ...place } = address;
    const fault = faults.strike({ service: 's3', operation: operation.name, ...place });
    if (fault === undefined) return run(request);
    const raise = (injected: Parameters<typeof scriptedError>[0]) => {
      const error = scriptedError(injected);
      return { error, answer: () => replyError({ ...request, resource: url }, error) };
    };
    return runUnderFault(fault, { service: 's3', request, incoming, raise }, run);
  };

  return {
    handle: (request, response) => ledger.run(request, response, () => answer(request, response)),
    close: async () => {
      await ledger.close();
      await buckets.close();
    },
  };
}

function errorOf(error: unknown): S3Error {
  return error instanceof S3Error ? error : new S3Error('InternalError', messageOf(error));
}
