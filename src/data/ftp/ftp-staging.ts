import { runParallel } from '../../object-store/run-parallel.js';
import type { DataFile } from '../data-file.js';
import { shownUrl } from '../shown-url.js';
import type { Staging } from '../staging.js';
import { downloadFile, type FtpFile } from './ftp-download.js';
import { FtpReplyError } from './ftp-errors.js';
import { listFtpFolder } from './ftp-listing.js';
import { FtpPool } from './ftp-pool.js';
import { factsIfThere, identityOf, requesting } from './ftp-requests.js';
import { type FtpServer, nameOf } from './ftp-session.js';
import {
  type FtpStagingOptions,
  type ResolvedFtpStagingOptions,
  resolveFtpStagingOptions,
} from './ftp-staging-options.js';
import { uploadFile } from './ftp-upload.js';
import { type FtpPlace, parseFtpUrl } from './ftp-url.js';
import { netrcCredentials } from './netrc.js';

/**
 * Staging of `ftp:` and, over TLS with verified certificates, of `ftps:` URLs.
 *
 * @param options default: those of the environment, `SLUICE_FTP_OPTIONS`
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createFtpStaging(options?: FtpStagingOptions): Staging {
  const resolved = resolveFtpStagingOptions(options);
  const pools = new Map<string, FtpPool>();
  const locate = async ({ url }: DataFile): Promise<FtpFile> => {
    const place = parseFtpUrl(url);
    const server = await serverOf(place, resolved);
    const key = JSON.stringify([nameOf(server), server.tls, server.password]);
    const pool = pools.get(key) ?? new FtpPool(server, resolved);
    pools.set(key, pool);
    return { pool, path: place.path, url: shownUrl(url) };
  };
  const isOurs = ({ scheme }: DataFile) => SCHEMES.includes(scheme);
  return {
    name: 'ftp',
    schemes: SCHEMES,
    capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    canStageIn: isOurs,
    canStageOut: isOurs,
    async stageIn(file, target) {
      await downloadFile(await locate(file), target);
      return target.suggestedPath;
    },
    async stageOut(file, source) {
      return uploadFile(await locate(file), source);
    },
    async identity(file, signal) {
      const { pool, path, url } = await locate(file);
      const what = `look at ${url}`;
      const facts = await requesting(pool, { what, signal }, (session) => factsIfThere(session, path, what));
      return facts && identityOf(facts);
    },
    async *list(folder, signal) {
      yield* listFtpFolder({ ...(await locate(folder)), prefix: folder.url }, signal);
    },
    async remove(files, signal) {
      await runParallel(files, { limit: resolved.connections, signal }, async (file, stop) => {
        await removeFile(await locate(file), stop);
      });
    },
    async close() {
      for (const pool of pools.values()) pool.close();
    },
  };
}

const SCHEMES: readonly string[] = ['ftp', 'ftps'];
const IMPLICIT_PORT = 990;

async function serverOf(place: FtpPlace, options: ResolvedFtpStagingOptions): Promise<FtpServer> {
  const { host, port, isSecure } = place;
  const isImplicit = isSecure && (options.implicitTls ?? port === IMPLICIT_PORT);
  const { ca, timeoutMs } = options;
  return {
    host,
    port: port ?? (isImplicit ? IMPLICIT_PORT : 21),
    tls: isImplicit ? 'implicit' : isSecure ? 'explicit' : 'none',
    ...(await credentialsFor(place, options)),
    ca,
    timeoutMs,
  };
}

async function credentialsFor(
  { host, user, password }: FtpPlace,
  { credentials, netrcFile }: ResolvedFtpStagingOptions,
): Promise<{ user: string; password: string }> {
  if (user !== undefined && password !== undefined) return { user, password };
  const given = typeof credentials === 'function' ? await credentials(host) : credentials?.[host];
  if (given !== undefined && (user === undefined || user === given.user)) return given;
  const noted = netrcFile === false ? undefined : await netrcCredentials(host, { user, file: netrcFile });
  return noted ?? { user: user ?? 'anonymous', password: password ?? (user === undefined ? 'anonymous@' : '') };
}

async function removeFile({ pool, path, url }: FtpFile, signal: AbortSignal): Promise<void> {
  const what = `remove ${url}`;
  await requesting(pool, { what, signal }, async (session) => {
    try {
      await session.remove(path);
    } catch (error) {
      if (!(error instanceof FtpReplyError) || (await factsIfThere(session, path, what)) !== undefined) throw error;
    }
  });
}
