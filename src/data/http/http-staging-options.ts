import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../../object-store/retry-policy.js';
import { retrySchema } from '../../object-store/retry-schema.js';
import { shownUrl } from '../shown-url.js';

/** What requests to one site, or to a part of it, carry and expect. */
export interface HttpSite {
  /** Token, sent as `Authorization: Bearer …`. */
  bearer?: string;
  /** For basic authentication, with {@link HttpSite.password}. What stands in a URL itself goes before. */
  username?: string;
  password?: string;
  /** Further headers, sent with every request to this site. */
  headers?: Readonly<Record<string, string>>;
  /** Media types a file may have: `text/csv`, `image/*`. Any other answer fails. Default: the status alone decides. */
  expectType?: readonly string[];
  /**
   * How outputs come to their name. `put`: by one PUT, which most servers (nginx, Apache, all object stores) carry out as
   * a whole or not at all. `move`: under a temporary name first, then by WebDAV's MOVE, for those that do not.
   * Default: `put`.
   */
  upload?: 'put' | 'move';
  /** Whether an output may replace what has its name. Otherwise that is `PRECONDITION_FAILED`. Default: true. */
  overwrite?: boolean;
  /** Whether PUT announces the MD5 of what it sends. Default: for signed URLs only, whose servers check it. */
  contentMd5?: boolean;
}

/** Options of `createHttpStaging`, and, as JSON, of the variable `SLUICE_HTTP_OPTIONS`. */
export interface HttpStagingOptions {
  /**
   * Sites by the beginning of their URLs, `https://data.example.org/` or `https://example.org/private/`; the longest that
   * fits counts. Nothing of it goes to another site, also when one redirects there.
   */
  sites?: Readonly<Record<string, HttpSite>>;
  /** Requests at a time to one host, and so sockets. Default: 16. */
  connections?: number;
  /** Parts of one file in flight at a time, where the server serves parts. Default: 4. */
  parallelParts?: number;
  /** Longest silence on a connection, in milliseconds, before it counts as broken. Default: 30 s. */
  idleTimeoutMs?: number;
  /** Longest wait that a server may ask for by `Retry-After`, in milliseconds. Default: 60 s. */
  longestRetryAfterMs?: number;
  /** Redirects that one request follows. Default: 10. */
  redirects?: number;
  /** Whether a file is taken whose length the server keeps to itself, so that one cut short looks whole. Default: false. */
  acceptUnknownLength?: boolean;
  /** Replaces parts of the default: 6 attempts, in a row and without a byte of progress. */
  retry?: Partial<Omit<RetryPolicy, 'deadlineMs'>>;
}

export type ResolvedHttpStagingOptions = Required<Omit<HttpStagingOptions, 'retry'>> & { readonly retry: RetryPolicy };

// Those are the staging's own to say, or the protocol's.
const RESERVED =
  /^(host|range|if-.*|content-(length|range|md5)|transfer-encoding|connection|accept-encoding|expect|te|trailer|upgrade)$/i;

const site = z
  .strictObject({
    bearer: z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be a token, without spaces')
      .exactOptional(),
    username: z.string().exactOptional(),
    password: z.string().exactOptional(),
    headers: z
      .record(
        z
          .string()
          .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header')
          .refine((name) => !RESERVED.test(name), 'is a header that the transfer itself sets'),
        z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must be one line'),
      )
      .exactOptional(),
    expectType: z
      .array(z.string().regex(/^[^/\s]+\/[^/\s;]+$/, 'must be a media type: text/csv, image/*'))
      .exactOptional(),
    upload: z.enum(['put', 'move']).exactOptional(),
    overwrite: z.boolean().exactOptional(),
    contentMd5: z.boolean().exactOptional(),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    message: 'username and password go together',
  })
  .refine(({ bearer, username }) => bearer === undefined || username === undefined, {
    message: 'either bearer or username',
  });

const { deadlineMs, ...RETRY } = DEFAULT_RETRY_POLICY;

const schema = z.strictObject({
  sites: z.record(z.url({ protocol: /^https?$/, hostname: /./ }), site).default({}),
  connections: z.int().positive().default(16),
  parallelParts: z.int().positive().default(4),
  idleTimeoutMs: z.int().positive().default(30_000),
  longestRetryAfterMs: z.int().nonnegative().default(60_000),
  redirects: z.int().nonnegative().default(10),
  acceptUnknownLength: z.boolean().default(false),
  retry: retrySchema.omit({ deadlineMs: true }).default(RETRY),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once, and never a secret. */
export function resolveHttpStagingOptions(
  options: HttpStagingOptions,
  what = 'HTTP staging options',
): ResolvedHttpStagingOptions {
  refusePasswords(options, what);
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw new SluiceError('INVALID_OPTIONS', `${what}:\n${z.prettifyError(parsed.error)}`);
  return { ...parsed.data, retry: { ...parsed.data.retry, deadlineMs } };
}

// Before the schema sees them: its errors name keys.
function refusePasswords({ sites }: HttpStagingOptions, what: string): void {
  const found = Object.keys(sites ?? {}).find((key) => key.includes('@'));
  if (found === undefined) return;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `${what}: ${shownUrl(found)}: give username and password beside the URL, not in it`,
  );
}

/** The options that the environment has for this process. @throws {SluiceError} `INVALID_OPTIONS`, never with a secret */
export function httpOptionsFrom(environment: NodeJS.ProcessEnv): ResolvedHttpStagingOptions {
  const text = environment[VARIABLE];
  if (text === undefined || text.trim() === '') return resolveHttpStagingOptions({});
  return resolveHttpStagingOptions(parseJson(text), VARIABLE);
}

const VARIABLE = 'SLUICE_HTTP_OPTIONS';

// JSON.parse's own error quotes the text.
function parseJson(text: string): HttpStagingOptions {
  try {
    return JSON.parse(text) as HttpStagingOptions;
  } catch {
    throw new SluiceError(
      'INVALID_OPTIONS',
      `${VARIABLE} is not JSON: write {"sites":{"https://host/":{"bearer":"…"}}}`,
    );
  }
}
