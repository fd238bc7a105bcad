import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { environmentOptions } from '../environment-options.js';
import type { Credentials } from './netrc.js';

/** Options of `createFtpStaging`, and, as JSON, of the variable `SLUICE_FTP_OPTIONS`. */
export interface FtpStagingOptions {
  /**
   * By the names of hosts, for URLs without user or password; or a function that gets them. What it leaves out is as
   * `~/.netrc` says, else anonymous.
   */
  credentials?:
    | Readonly<Record<string, Credentials>>
    | ((host: string) => Credentials | undefined | Promise<Credentials | undefined>);
  /** File to read instead of `~/.netrc` or `NETRC`; false reads none. */
  netrcFile?: string | false;
  /** Certificates, as PEM, that vouch for servers. Default: those that Node knows, `NODE_EXTRA_CA_CERTS` included. */
  ca?: string | readonly string[];
  /** Whether `ftps:` speaks TLS from the first byte on, on port 990, and not after AUTH TLS. Default: only on port 990. */
  implicitTls?: boolean;
  /** Connections to a host at a time, each of which moves one file; fewer where the server says so. Default: 4. */
  connections?: number;
  /** Longest silence of a server before it counts as gone, in milliseconds. Default: 30 s. */
  timeoutMs?: number;
  /** A connection that nobody has used for so long is closed, in milliseconds. Default: 60 s. */
  idleMs?: number;
}

export type ResolvedFtpStagingOptions = FtpStagingOptions &
  Required<Pick<FtpStagingOptions, 'connections' | 'timeoutMs' | 'idleMs'>>;

type CredentialsFunction = Extract<FtpStagingOptions['credentials'], (host: string) => unknown>;

const schema = z.strictObject({
  credentials: z
    .union([
      z.custom<CredentialsFunction>((value) => typeof value === 'function', 'expected a function'),
      z.record(z.string(), z.strictObject({ user: z.string().min(1), password: z.string() })),
    ])
    .exactOptional(),
  netrcFile: z.union([z.string().min(1), z.literal(false)]).exactOptional(),
  ca: z.union([z.string().min(1), z.array(z.string().min(1)).readonly()]).exactOptional(),
  implicitTls: z.boolean().exactOptional(),
  connections: z.int().positive().default(4),
  timeoutMs: z.int().positive().default(30_000),
  idleMs: z.int().positive().default(60_000),
});

const VARIABLE = 'SLUICE_FTP_OPTIONS';
const EXAMPLE = '{"credentials":{"host":{"user":"…","password":"…"}}}';

/**
 * @param options default: those of the environment
 * @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once, and never a password
 */
export function resolveFtpStagingOptions(options?: FtpStagingOptions): ResolvedFtpStagingOptions {
  const parsed = schema.safeParse(options ?? environmentOptions(VARIABLE, EXAMPLE) ?? {});
  if (parsed.success) return parsed.data as ResolvedFtpStagingOptions;
  const what = options === undefined ? VARIABLE : 'FTP staging options';
  throw new SluiceError('INVALID_OPTIONS', `${what}:\n${z.prettifyError(parsed.error)}`);
}
