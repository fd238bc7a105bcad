import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../errors.js';
import { backOffMs } from '../../object-store/retry-policy.js';
import { createExchanges, type HttpAnswer, type HttpRequest } from './exchange.js';
import { brokenOff, type HttpFailure, refusalOf } from './http-failure.js';
import type { HttpSite, ResolvedHttpStagingOptions } from './http-staging-options.js';

/** A request and what counts as its success. */
export interface WantedRequest extends HttpRequest {
  /** Statuses that are given to the caller; any other one is an error. */
  readonly accepts: readonly number[];
  /** Whether a server that is busy (429, 503) is let alone instead of asked again. Default: false. */
  readonly givesWay?: boolean;
}

/** Sends requests: repeated by the policy while that may help, failing with SluiceErrors only. */
export interface HttpRequests {
  readonly options: ResolvedHttpStagingOptions;
  /** Rejects with what the status means, with `signal.reason` once aborted. */
  send(request: WantedRequest): Promise<HttpAnswer>;
  siteOf(url: string): HttpSite;
  close(): Promise<void>;
}

/** {@link HttpRequests} over sockets of their own. */
export function createHttpRequests(options: ResolvedHttpStagingOptions): HttpRequests {
  const exchanges = createExchanges(options);

  const tryOnce = async (request: WantedRequest): Promise<HttpAnswer | HttpFailure> => {
    try {
      const answer = await exchanges.send(request);
      return request.accepts.includes(answer.status) ? answer : await refused(request, answer);
    } catch (error) {
      request.signal.throwIfAborted();
      return brokenOff(error, request.what);
    }
  };

  return {
    options,
    siteOf: (url) => exchanges.findSite(new URL(url)),
    async send(request) {
      const { signal } = request;
      for (let failures = 1; ; failures += 1) {
        signal.throwIfAborted();
        const result = await tryOnce(request);
        if (!('error' in result)) return result;
        await waitForNext(request, result, failures, options);
      }
    },
    close: () => exchanges.close(),
  };
}

/** Waits as long as back-off and server ask for. Rejects with the failure where another try is of no use. */
async function waitForNext(
  { signal, givesWay }: WantedRequest,
  { error, transient, busy, waitMs = 0 }: HttpFailure,
  failures: number,
  { retry, longestRetryAfterMs }: ResolvedHttpStagingOptions,
): Promise<void> {
  if (!transient || failures >= retry.attempts || (busy && givesWay)) throw error;
  if (waitMs > longestRetryAfterMs) {
    const text = `${error.message}: it asks to be left alone for ${Math.ceil(waitMs / 1_000)} s`;
    throw new SluiceError('THROTTLED', text, { cause: error });
  }
  await sleep(Math.max(backOffMs(retry, failures), waitMs), undefined, { signal }).catch(() => undefined);
}

async function refused({ what, method }: WantedRequest, answer: HttpAnswer): Promise<HttpFailure> {
  const { status, url, header } = answer;
  const code = await codeIn(answer);
  return refusalOf({ what, method, status, url, header, code });
}

/** The `<Code>` in an answer of S3 or a relative. The rest of its text may quote what was signed. */
async function codeIn(answer: HttpAnswer): Promise<string | undefined> {
  if (!/\bxml\b/.test(answer.header('content-type') ?? '')) {
    await answer.discard();
    return undefined;
  }
  let text = '';
  for await (const chunk of answer.body) {
    text += (chunk as Buffer).toString('latin1');
    if (text.length > LONGEST_ERROR) break;
  }
  return /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(text)?.[1];
}

const LONGEST_ERROR = 64 * 1024;
