import type { Dispatcher, Pool } from 'undici';
import { SluiceError } from '../../errors.js';
import type { ResolvedHttpStagingOptions } from './http-staging-options.js';

/** Sockets of one staging. */
export interface HttpAgent {
  /** What sends requests to such URLs. */
  dispatcherOf(url: URL): Dispatcher;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

/**
 * Loads undici and opens its agents, with as many sockets as the options say, going through the proxies that
 * `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name, in small letters or large.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when a proxy's variable holds no URL
 */
export async function openAgent(options: ResolvedHttpStagingOptions): Promise<HttpAgent> {
  const { Agent, EnvHttpProxyAgent, Pool } = await import('undici');
  const settings = {
    connections: options.connections,
    headersTimeout: options.idleTimeoutMs,
    bodyTimeout: options.idleTimeoutMs,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  };
  const direct = new Agent(settings);
  const through = (proxy: string): Dispatcher => {
    if (proxy === '') return direct;
    return new EnvHttpProxyAgent({
      ...settings,
      httpProxy: proxy,
      httpsProxy: proxy,
      // Otherwise those to a proxy have no bounds, and no timeouts.
      factory: (origin, own) => new Pool(origin, { ...settings, ...(own as Pool.Options) }),
      clientFactory: (origin, own) => failingForGood(new Pool(origin, { ...settings, ...(own as Pool.Options) })),
      // Proxies are asked for http: files as such; many make tunnels to the port of https only.
      proxyTunnel: false,
    });
  };
  const http = through(proxyIn('HTTP_PROXY'));
  const https = through(proxyIn('HTTPS_PROXY'));
  return {
    dispatcherOf: ({ protocol }) => (protocol === 'https:' ? https : http),
    async close() {
      await Promise.all([...new Set([direct, http, https])].map((agent) => agent.destroy()));
    },
  };
}

/** A pool whose CONNECT fails with an error that undici passes on: after one of its own sockets it tries again for ever. */
function failingForGood(pool: Pool): Pool {
  const connect = pool.connect.bind(pool);
  return Object.assign(pool, {
    connect: (options: Dispatcher.ConnectOptions) =>
      connect(options).catch((error: NodeJS.ErrnoException) => {
        if (!/^UND_ERR_(SOCKET|INFO)$/.test(error.code ?? '')) throw error;
        throw Object.assign(new Error('the proxy broke the connection off'), { code: 'ECONNRESET' });
      }),
  });
}

const CONNECT_TIMEOUT_MS = 10_000;

// As curl takes them: `proxy:3128` is a proxy as well.
function proxyIn(variable: string): string {
  const text = process.env[variable.toLowerCase()] ?? process.env[variable] ?? '';
  if (text === '') return '';
  const url = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(url)) return url;
  throw new SluiceError('INVALID_OPTIONS', `${variable} does not hold the URL of a proxy: write http://host:port`);
}
