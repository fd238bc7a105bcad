import { readFile } from 'node:fs/promises';
import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, ParsedKey } from 'ssh2';
import { chooseAgentKeys } from './agent-keys.js';
import type { HostSettings } from './host-settings.js';
import type { Ssh2 } from './load-ssh2.js';
import { type ResolvedSshOptions, reveal } from './ssh-options.js';

/** Ways to log in to one host, each tried once. */
export interface Login {
  readonly handler: AuthHandlerMiddleware;
  /** What has been tried, and what could not be, for the message of the failure. */
  readonly notes: readonly string[];
}

/** Keys that were named, the agent's, default keys, and then what a password answers. Source: ssh(1), "AUTHENTICATION". */
export function createLogin(ssh2: Ssh2, settings: HostSettings, options: ResolvedSshOptions): Login {
  const notes: string[] = [];
  const ways = waysIn({ ssh2, settings, options, notes });
  return {
    notes,
    handler(allowed: readonly AuthenticationType[] | null, _partial, next) {
      const takes = (way: AnyAuthMethod) => allowed === null || allowed.includes(methodOf(way));
      const tryNext = async (): Promise<void> => {
        for (;;) {
          const way = await ways.next();
          if (way.done) break;
          if (takes(way.value)) return next(way.value);
        }
        if (allowed !== null) notes.push(`the server takes ${allowed.join(', ')}`);
        giveUp(next);
      };
      tryNext().catch((error: unknown) => {
        notes.push(String(error));
        giveUp(next);
      });
    },
  };
}

// The package's own convention for "nothing is left", which its types lack.
function giveUp(next: (way: AnyAuthMethod) => void): void {
  next(false as unknown as AnyAuthMethod);
}

function methodOf({ type }: AnyAuthMethod): AuthenticationType {
  return type === 'agent' ? 'publickey' : type;
}

interface Means {
  readonly ssh2: Ssh2;
  readonly settings: HostSettings;
  readonly options: ResolvedSshOptions;
  readonly notes: string[];
}

async function* waysIn(means: Means): AsyncGenerator<AnyAuthMethod, void, undefined> {
  const { settings, options } = means;
  if (settings.identitiesNamed) yield* keys(means);
  if (settings.agent !== undefined) yield await agentKeys(means, settings.agent);
  if (!settings.identitiesNamed) yield* keys(means);
  if (options.password !== undefined) yield* passwords(means);
}

async function* keys(means: Means): AsyncGenerator<AnyAuthMethod, void, undefined> {
  for (const path of means.settings.identityFiles) {
    const key = await privateKey(path, means);
    if (typeof key === 'string') means.notes.push(`${path} (${key})`);
    else {
      means.notes.push(path);
      yield { type: 'publickey', username: means.settings.user, key };
    }
  }
}

/** The key of a file, or why there is none. */
async function privateKey(path: string, { ssh2, settings, options }: Means): Promise<ParsedKey | string> {
  const text = await readFile(path).catch((error: NodeJS.ErrnoException) => error);
  if (text instanceof Error) return text.code === 'ENOENT' ? 'no such file' : text.message;
  const plain = parsed(ssh2, text);
  if (!(plain instanceof Error)) return plain.isPrivateKey() ? plain : 'a public key';
  if (!/encrypted/i.test(plain.message)) return plain.message;
  const passphrase = await reveal(options.passphrase, { user: settings.user, host: settings.host, prompt: path });
  if (passphrase === undefined) return 'encrypted: add it to an agent by ssh-add, or set `passphrase`';
  const opened = parsed(ssh2, text, passphrase);
  return opened instanceof Error ? 'encrypted, and not by this passphrase' : opened;
}

function parsed(ssh2: Ssh2, text: Buffer, passphrase?: string): ParsedKey | Error {
  const found = ssh2.utils.parseKey(text, passphrase);
  const key = Array.isArray(found) ? found[0] : found;
  return key ?? new Error('no key in it');
}

async function agentKeys({ ssh2, settings, notes }: Means, socketPath: string): Promise<AnyAuthMethod> {
  const { identitiesNamed, identitiesOnly, identityFiles, user } = settings;
  const named =
    identitiesNamed || identitiesOnly ? await Promise.all(identityFiles.map((path) => publicKey(ssh2, path))) : [];
  const first = named.filter((key) => key !== undefined);
  notes.push(`the keys of the agent at ${socketPath}`);
  return { type: 'agent', username: user, agent: chooseAgentKeys(ssh2, socketPath, { first, only: identitiesOnly }) };
}

async function publicKey(ssh2: Ssh2, path: string): Promise<Buffer | undefined> {
  for (const candidate of [`${path}.pub`, path]) {
    const key = await readFile(candidate).then(
      (text) => parsed(ssh2, text),
      () => undefined,
    );
    if (key !== undefined && !(key instanceof Error)) return key.getPublicSSH();
  }
  return undefined;
}

async function* passwords({ settings, options, notes }: Means): AsyncGenerator<AnyAuthMethod, void, undefined> {
  const { user, host } = settings;
  const ask = (prompt: string) => reveal(options.password, { user, host, prompt });
  notes.push('the password');
  yield {
    type: 'keyboard-interactive',
    username: user,
    prompt(_name, _instructions, _language, prompts, finish) {
      Promise.all(prompts.map(({ prompt }) => ask(prompt))).then(
        (answers) => finish(answers.map((answer) => answer ?? '')),
        (error: unknown) => {
          notes.push(String(error));
          finish([]);
        },
      );
    },
  };
  const password = await ask(`${user}@${host}'s password: `);
  if (password !== undefined) yield { type: 'password', username: user, password };
}
