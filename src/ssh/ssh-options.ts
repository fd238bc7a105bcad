import * as z from 'zod';
import { parseOptions } from '../parse-options.js';

/** Who is asked for a secret, and for what. */
export interface SecretRequest {
  readonly user: string;
  readonly host: string;
  /** What the server asks, or the path of the key that is encrypted. */
  readonly prompt: string;
}

/** A secret, or a function that gets it when it is asked for; `undefined` from it: there is none. */
export type Secret = string | ((request: SecretRequest) => string | undefined | Promise<string | undefined>);

/** How hosts are reached over ssh. What is left out is as OpenSSH's own files and environment say. */
export interface SshOptions {
  /**
   * Client configuration to read instead of OpenSSH's own files; false reads none. Default: `SLUICE_SSH_CONFIG`, or
   * `~/.ssh/config` and then `/etc/ssh/ssh_config`.
   */
  configFile?: string | false;
  /** Private keys, before all others. Default: `IdentityFile`, else `~/.ssh/id_{ed25519,ecdsa,rsa}`. */
  identityFiles?: readonly string[];
  /** Socket of an agent; false asks none. Default: `IdentityAgent`, else `SSH_AUTH_SOCK`. */
  agent?: string | false;
  /** Opens encrypted keys. Default: they are left to the agent. */
  passphrase?: Secret;
  /** Answers servers that take passwords, and what they prompt for. Default: only keys are tried. */
  password?: Secret;
  /** Default: `UserKnownHostsFile` and `GlobalKnownHostsFile`. `accept-new` writes to the first. */
  knownHostsFiles?: readonly string[];
  /**
   * What to do with a host that no file knows: refuse it, or take it and note its key. A host whose key has changed is
   * always refused. Default: `StrictHostKeyChecking`, where anything but `accept-new` and `no` refuses.
   */
  hostKeys?: 'strict' | 'accept-new';
  /** Channels open at a time on one connection; OpenSSH's servers allow 10. Default: 8. */
  channels?: number;
  /** Time for the way to a host and for logging in, in milliseconds. Default: `ConnectTimeout`, else 20 s. */
  connectTimeoutMs?: number;
  /** Silence after which the server is asked whether it is there; three times, then the connection is lost. Default: 15 s. */
  keepAliveMs?: number;
  /** A connection that nobody has used for so long is closed, in milliseconds. Default: 60 s. */
  idleMs?: number;
}

export type ResolvedSshOptions = SshOptions & Required<Pick<SshOptions, 'channels' | 'keepAliveMs' | 'idleMs'>>;

const secret = z.union([
  z.string(),
  z.custom<Exclude<Secret, string>>((value) => typeof value === 'function', 'expected a string or a function'),
]);

const schema = z.strictObject({
  configFile: z.union([z.string().min(1), z.literal(false)]).exactOptional(),
  identityFiles: z.array(z.string().min(1)).readonly().exactOptional(),
  agent: z.union([z.string().min(1), z.literal(false)]).exactOptional(),
  passphrase: secret.exactOptional(),
  password: secret.exactOptional(),
  knownHostsFiles: z.array(z.string().min(1)).min(1).readonly().exactOptional(),
  hostKeys: z.enum(['strict', 'accept-new']).exactOptional(),
  channels: z.int().positive().default(8),
  connectTimeoutMs: z.int().positive().exactOptional(),
  keepAliveMs: z.int().positive().default(15_000),
  idleMs: z.int().positive().default(60_000),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once, and never a secret */
export function resolveSshOptions(options: SshOptions): ResolvedSshOptions {
  return parseOptions(schema, options, 'ssh options') as ResolvedSshOptions;
}

/** The secret itself; `undefined` when there is none. */
export async function reveal(secret: Secret | undefined, request: SecretRequest): Promise<string | undefined> {
  return typeof secret === 'function' ? secret(request) : secret;
}
