import { readFile, stat, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { writeWhole } from '../write-whole.js';

/** Tokens for the Transfer API. */
export interface GlobusTokens {
  /** One that is valid, as far as is known. @throws {SluiceError} `ACCESS_DENIED` with what to do */
  current(signal: AbortSignal): Promise<string>;
  /** Another one than `refused`, which the service does not take. @throws {SluiceError} `ACCESS_DENIED` */
  renewed(refused: string, signal: AbortSignal): Promise<string>;
}

/** What a token file holds. */
export interface StoredTokens {
  /** UUID of the application that the user has logged in to. */
  readonly clientId: string;
  readonly accessToken: string;
  /** Gets further access tokens; without one, the user has to log in again some time. */
  readonly refreshToken?: string | undefined;
  /** When the access token ends, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Exchanges a refresh token. Rejects with `ACCESS_DENIED` when Globus takes it no more. */
export type RefreshTokens = (
  request: { readonly clientId: string; readonly refreshToken: string },
  signal: AbortSignal,
) => Promise<{
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  readonly expiresInMs: number;
}>;

/** Tokens that somebody else cares for. */
export function givenTokens(accessToken: string | (() => string | Promise<string>)): GlobusTokens {
  const give = async () => (typeof accessToken === 'function' ? accessToken() : accessToken);
  return {
    current: give,
    async renewed(refused) {
      const given = await give();
      if (given !== refused) return given;
      throw new SluiceError(
        'ACCESS_DENIED',
        'Globus does not take the token of the option `accessToken`: get a new one',
      );
    },
  };
}

const schema = z.strictObject({
  clientId: z.string().min(1),
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1).optional(),
  expiresAt: z.number(),
});

/** A token is not used up to its very end: the request has to arrive before. */
const SPARE_MS = 60_000;

/** Tokens of a file that only its owner may read; refreshed when they end, by whichever process comes first. */
export function storedTokens(path: string, refresh: RefreshTokens): GlobusTokens {
  let refreshing: Promise<string> | undefined;

  const renew = async (signal: AbortSignal): Promise<string> => {
    const { clientId, refreshToken } = await readTokens(path);
    if (refreshToken === undefined) {
      throw new SluiceError(
        'ACCESS_DENIED',
        `the Globus login of ${path} has ended, and has no refresh token: log in again`,
      );
    }
    const fresh = await refresh({ clientId, refreshToken }, signal);
    await writeTokens(path, {
      clientId,
      accessToken: fresh.accessToken,
      refreshToken: fresh.refreshToken ?? refreshToken,
      expiresAt: Date.now() + fresh.expiresInMs,
    });
    return fresh.accessToken;
  };
  const renewOnce = (signal: AbortSignal): Promise<string> => {
    refreshing ??= renew(signal).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };
  return {
    async current(signal) {
      const { accessToken, expiresAt } = await readTokens(path);
      return expiresAt - SPARE_MS > Date.now() ? accessToken : renewOnce(signal);
    },
    async renewed(refused, signal) {
      // Another process, or another request of this one, may have been first.
      const { accessToken, expiresAt } = await readTokens(path);
      return accessToken !== refused && expiresAt > Date.now() ? accessToken : renewOnce(signal);
    },
  };
}

/** @throws {SluiceError} `ACCESS_DENIED` when there is no such file, or others may read it; never with what is in it */
async function readTokens(path: string): Promise<StoredTokens> {
  const mode = await stat(path).then(
    (found) => found.mode,
    () => undefined,
  );
  if (mode === undefined) {
    throw new SluiceError(
      'ACCESS_DENIED',
      `nobody has logged in to Globus here: ${path} does not exist. It holds {"clientId","accessToken","refreshToken","expiresAt"}`,
    );
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new SluiceError('ACCESS_DENIED', `others than its owner may read the tokens in ${path}: chmod 600 it`);
  }
  const parsed = schema.safeParse(parseJson(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new SluiceError('ACCESS_DENIED', `${path} is no file of Globus tokens: ${z.prettifyError(parsed.error)}`);
}

/** Replaces the file as a whole; only its owner may read it. */
async function writeTokens(path: string, tokens: StoredTokens): Promise<void> {
  await writeWhole(path, (temporaryPath) =>
    writeFile(temporaryPath, `${JSON.stringify(tokens, null, 2)}\n`, { mode: 0o600 }),
  );
}

// JSON.parse's own error quotes the text.
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
