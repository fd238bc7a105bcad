import type { Readable } from 'node:stream';
import { SluiceError } from '../../errors.js';
import { openAgent } from './http-agent.js';
import type { ResolvedHttpStagingOptions } from './http-staging-options.js';
import { isRedirect, nextHop } from './next-hop.js';
import { credentialsIn, type FindSite, findSiteIn, siteHeaders } from './site-list.js';

/** A request about one file. */
export interface HttpRequest {
  /** What is done and with which file, for errors; the URL as messages may have it. */
  readonly what: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'MOVE';
  /** The file's URL. Credentials in it go to its own origin only. */
  readonly url: string;
  /** Where redirects led before, to ask there directly. */
  readonly at?: URL | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the body anew for every try and every redirect. */
  readonly body?: (() => Readable) | undefined;
  readonly signal: AbortSignal;
}

/** What a server said. The body must be read to its end, or destroyed. */
export interface HttpAnswer {
  readonly status: number;
  /** Where redirects led. */
  readonly url: URL;
  readonly body: Readable;
  /** Reads the body to its end where that is near, and breaks it off otherwise. */
  discard(): Promise<unknown>;
  /** A header by its name in small letters; one that came several times is joined by commas. */
  header(name: string): string | undefined;
}

/** Sends requests, each once, through one set of sockets. */
export interface Exchanges {
  /** What the server answers at last, whatever it says. Rejects with what undici or the system threw. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  readonly findSite: FindSite;
  close(): Promise<void>;
}

/** {@link Exchanges} whose agent opens, and undici loads, with the first request. */
export function createExchanges(options: ResolvedHttpStagingOptions): Exchanges {
  const findSite = findSiteIn(options);
  let opening: ReturnType<typeof openAgent> | undefined;

  const exchange = async (request: HttpRequest, url: URL): Promise<HttpAnswer> => {
    opening ??= openAgent(options);
    const agent = await opening;
    const headers = siteHeaders(url, findSite(url), credentialsIn(new URL(request.url)));
    const answer = await agent.dispatcherOf(url).request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method as 'GET',
      // A length must be that of the bytes which come, and a part be a part of what is kept.
      headers: { 'user-agent': 'sluice', 'accept-encoding': 'identity', accept: '*/*', ...headers, ...request.headers },
      body: request.body?.() ?? null,
      signal: request.signal,
    });
    // Without a listener, a body that breaks before it is read would end the process.
    answer.body.on('error', () => undefined);
    const header = (name: string) => {
      const value = answer.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    const discard = () => answer.body.dump({ limit: NEAR_BYTES });
    return { status: answer.statusCode, url, body: answer.body, discard, header };
  };

  return {
    findSite,
    async send(request) {
      let url = request.at ?? bare(request.url);
      for (let redirects = 0; ; redirects += 1) {
        const answer = await exchange(request, url);
        if (!isRedirect(answer.status)) return answer;
        await answer.discard();
        if (redirects >= options.redirects) throw tooMany(request.what, options.redirects);
        const { what, method } = request;
        url = nextHop({ from: url, status: answer.status, location: answer.header('location'), method, what });
      }
    },
    async close() {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

const NEAR_BYTES = 64 * 1024;

function bare(url: string): URL {
  const asked = new URL(url);
  asked.username = '';
  asked.password = '';
  asked.hash = '';
  return asked;
}

function tooMany(what: string, limit: number): SluiceError {
  return new SluiceError(
    'SERVICE_FAILED',
    `${what}: the server redirects more than ${limit} times, perhaps in a circle`,
  );
}
