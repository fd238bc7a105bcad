import { existsSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { expandHome, type HostConfig, readHostConfig } from './openssh-config.js';
import { parseSshAddress, type SshAddress } from './ssh-address.js';
import type { ResolvedSshOptions } from './ssh-options.js';

/** Everything a connection to one host needs to know before it is made. */
export interface HostSettings {
  /** `ssh://user@host:port`, with the host as it was named. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Under which the host's key stands in files of known hosts. */
  readonly knownAs: string;
  readonly knownHostsFiles: readonly string[];
  readonly acceptNew: boolean;
  readonly identityFiles: readonly string[];
  /** Keys that were named go before those of the agent; default ones go after. */
  readonly identitiesNamed: boolean;
  /** Only these keys, even where the agent has others. */
  readonly identitiesOnly: boolean;
  readonly agent: string | undefined;
  /** Hosts on the way, the nearest first. */
  readonly jumps: readonly SshAddress[];
  readonly connectTimeoutMs: number;
}

/**
 * What address, options, configuration files and defaults make together, in this order of precedence.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` for files that cannot be read, and for `ProxyCommand`
 */
export async function hostSettings(address: SshAddress, options: ResolvedSshOptions): Promise<HostSettings> {
  const config = await readHostConfig(address.host, configFiles(options.configFile));
  const first = (key: string) => config.get(key)?.[0];
  const host = (first('hostname') ?? address.host).replaceAll('%h', address.host);
  const port = address.port ?? Number(first('port') ?? 22);
  const user = address.user ?? first('user') ?? userInfo().username;
  const expand = tokenExpander({ alias: address.host, host, port, user });
  const identities = options.identityFiles ?? config.get('identityfile');
  const name = `ssh://${user}@${address.host}:${port}`;
  return {
    name,
    host,
    port,
    user,
    knownAs: knownAs(first('hostkeyalias') ?? { host, port }),
    knownHostsFiles: (options.knownHostsFiles ?? knownHostsFiles(config)).map(expand),
    acceptNew: options.hostKeys === undefined ? accepts(first('stricthostkeychecking')) : options.hostKeys !== 'strict',
    identityFiles: (identities ?? DEFAULT_IDENTITIES)
      .map(expand)
      .filter((path) => identities !== undefined || existsSync(path)),
    identitiesNamed: identities !== undefined,
    identitiesOnly: isYes(first('identitiesonly')),
    agent: agentOf(options.agent, first('identityagent'), expand),
    jumps: jumpsOf(name, first('proxyjump'), first('proxycommand')),
    connectTimeoutMs: options.connectTimeoutMs ?? Number(first('connecttimeout') ?? 20) * 1_000,
  };
}

// Source: ssh_config(5). DSA keys and keys on hardware tokens need more than a file: they are the agent's.
const DEFAULT_IDENTITIES: readonly string[] = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];
const DEFAULT_KNOWN_HOSTS: readonly string[] = ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'];
const GLOBAL_KNOWN_HOSTS: readonly string[] = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

function configFiles(option: string | false | undefined): readonly string[] {
  if (option === false) return [];
  const named = option ?? process.env.SLUICE_SSH_CONFIG;
  return named ? [expandHome(named)] : [join(homedir(), '.ssh', 'config'), '/etc/ssh/ssh_config'];
}

function knownHostsFiles(config: HostConfig): readonly string[] {
  const words = (key: string) => config.get(key)?.flatMap((value) => value.split(/\s+/));
  return [
    ...(words('userknownhostsfile') ?? DEFAULT_KNOWN_HOSTS),
    ...(words('globalknownhostsfile') ?? GLOBAL_KNOWN_HOSTS),
  ].filter((path) => path !== 'none');
}

// Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": another port than 22 stands in the name.
function knownAs(named: string | { readonly host: string; readonly port: number }): string {
  if (typeof named === 'string') return named.toLowerCase();
  return named.port === 22 ? named.host.toLowerCase() : `[${named.host.toLowerCase()}]:${named.port}`;
}

// `no` would take changed keys as well: that is more than is ever needed here.
function accepts(checking: string | undefined): boolean {
  return /^(accept-new|no|off)$/i.test(checking ?? '');
}

function isYes(value: string | undefined): boolean {
  return /^(yes|true)$/i.test(value ?? '');
}

function agentOf(
  option: string | false | undefined,
  configured: string | undefined,
  expand: (text: string) => string,
): string | undefined {
  if (option === false || (option === undefined && configured === 'none')) return undefined;
  const named = option ?? (configured === 'SSH_AUTH_SOCK' ? undefined : configured);
  if (named === undefined) return process.env.SSH_AUTH_SOCK || undefined;
  return named.startsWith('$') && !named.startsWith('${') ? process.env[named.slice(1)] : expand(named);
}

function jumpsOf(name: string, jump: string | undefined, command: string | undefined): readonly SshAddress[] {
  if (jump !== undefined) return jump === 'none' ? [] : jump.split(',').map(parseSshAddress);
  if (command === undefined || command === 'none') return [];
  throw new SluiceError(
    'INVALID_OPTIONS',
    `${name}: ProxyCommand is not understood here: write ProxyJump for this host`,
  );
}

/** Source: ssh_config(5), "TOKENS", and environment variables as in `${HOME}`. */
function tokenExpander(target: { alias: string; host: string; port: number; user: string }): (text: string) => string {
  const tokens: Readonly<Record<string, string>> = {
    '%': '%',
    d: homedir(),
    h: target.host,
    i: String(process.getuid?.() ?? ''),
    L: hostname().split('.')[0] ?? '',
    l: hostname(),
    n: target.alias,
    p: String(target.port),
    r: target.user,
    u: userInfo().username,
  };
  return (text) =>
    expandHome(text)
      .replace(/%(.)/g, (whole, token: string) => tokens[token] ?? whole)
      .replace(/\$\{(\w+)\}/g, (whole, variable: string) => process.env[variable] ?? whole);
}
