import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../../errors.js';
import { answerFailure } from '../answer-failure.js';
import { type FaultSource, NO_FAULTS } from '../faults/faults.js';
import { runUnderFault } from '../faults/run-under-fault.js';
import { createRequestLedger } from '../request-ledger.js';
import { createAccessTokens } from './auth/access-tokens.js';
import { authorize } from './auth/authorize.js';
import type { ServiceAccount } from './auth/service-account.js';
import { answerTokenRequest } from './auth/token-endpoint.js';
import { findOperation } from './find-operation.js';
import { GcsError, scriptedError } from './gcs-error.js';
import { type GcsTarget, headersOf, parseTarget } from './gcs-request.js';
import { replyError } from './reply.js';
import { GcsBuckets } from './store/gcs-buckets.js';

export interface GcsServiceOptions {
  /** Where buckets and objects lie; made when missing. One service at a time may use it. */
  readonly folder: string;
  readonly project: string;
  /** Who may do everything, with tokens and signed URLs. */
  readonly account: ServiceAccount;
  /** Whether requests without credentials are let in too, as Google's clients send them to an emulator. Default: yes. */
  readonly anonymous?: boolean;
  /** The clock, in milliseconds since the epoch. Default: the machine's. */
  readonly now?: () => number;
  /** What goes wrong with requests that are let in. Default: nothing. */
  readonly faults?: FaultSource;
}

/** A Cloud Storage server without its socket. */
export interface GcsService {
  /**
   * Answers one request as Cloud Storage would, in its JSON API, or, where signed URLs lead, its XML API. Takes Node's
   * own objects, with the URL and body untouched. Resolves when the answer is handed over; never rejects.
   */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Refuses further requests; resolves when those under way are answered, or cut off after two seconds. Idempotent. */
  close(): Promise<void>;
}

/**
 * A stand-in for Cloud Storage that keeps its state in a folder: it survives a restart, and a kill, without half-written
 * objects, and resumable uploads go on after it.
 *
 * Every token, signature, checksum and precondition is verified; what is not implemented is refused with 501.
 */
export function createGcsService(options: GcsServiceOptions): GcsService {
  const { account, project, anonymous = true, now = Date.now, faults = NO_FAULTS } = options;
  const buckets = new GcsBuckets(options.folder);
  const tokens = createAccessTokens({ ...account, now });
  const ledger = createRequestLedger();
  let loaded: Promise<void> | undefined;

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = incoming;
    let api: GcsTarget['api'] = 'json';
    response.setHeader('server', 'sluice-local-cloud');
    try {
      if (ledger.closed) throw new GcsError('backendError', 'The server is closed.');
      loaded ??= buckets.load();
      await loaded;
      const target = parseTarget(url);
      api = target.api;
      await answerTarget(incoming, response, { method, target });
    } catch (error) {
      answerFailure(response, () => replyError({ response, method, api }, errorOf(error)));
    }
  };

  const answerTarget = async (
    incoming: IncomingMessage,
    response: ServerResponse,
    { method, target }: { readonly method: string; readonly target: GcsTarget },
  ): Promise<void> => {
    const origin = `http://${incoming.headers.host ?? 'localhost'}`;
    if (target.api === 'token') return answerTokenRequest(incoming, response, { tokens, origin });
    authorize(incoming, target, { account, tokens, anonymous, now });
    const headers = headersOf(incoming.headers);
    const { operation, names } = findOperation({ ...target, method, headers });
    // The request must outlive a reader that stops early, or its connection closes before the answer.
    const body = incoming.iterator({ destroyOnReturn: false });
    const request = { ...target, body, response, method, headers, origin, names };
    const run = (asked: typeof request) => operation.run(asked, { buckets, project, now });
    const { bucket, object: key } = names;
    const place = { ...(bucket !== undefined && { bucket }), ...(key !== undefined && { key }) };
    const named = target.query.get('name');
    const fault = faults.strike({
      service: 'gcs',
      operation: operation.name,
      ...place,
      ...(named !== undefined && { key: named }),
    });
    if (fault === undefined) return run(request);
    const raise = (injected: Parameters<typeof scriptedError>[0]) => {
      const error = scriptedError(injected);
      return { error, answer: () => replyError(request, error) };
    };
    return runUnderFault(fault, { service: 'gcs', request, incoming, raise }, run);
  };

  return {
    handle: (request, response) => ledger.run(request, response, () => answer(request, response)),
    close: async () => {
      await ledger.close();
      await buckets.close();
    },
  };
}

function errorOf(error: unknown): GcsError {
  return error instanceof GcsError ? error : new GcsError('internalError', messageOf(error));
}
