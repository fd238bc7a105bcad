import { SluiceError } from '../../errors.js';
import { runParallel } from '../../object-store/run-parallel.js';
import type { SftpSession } from '../../ssh/sftp-session.js';
import { createSshConnections, type SshConnections } from '../../ssh/ssh-connections.js';
import type { SshOptions } from '../../ssh/ssh-options.js';
import type { DataFile } from '../data-file.js';
import type { FileIdentity, Staging } from '../staging.js';
import { downloadFile } from './sftp-download.js';
import { listRemoteFolder } from './sftp-listing.js';
import { identityOf, isMissing, requesting } from './sftp-requests.js';
import { uploadFile } from './sftp-upload.js';
import { parseSftpUrl } from './sftp-url.js';

/** Options of {@link createSftpStaging}. */
export interface SftpStagingOptions {
  /** How hosts are reached. Default: as OpenSSH's own files say. */
  ssh?: SshOptions;
  /** Connections to share with others, which their owner closes; `ssh` is theirs then. */
  connections?: SshConnections;
}

/**
 * Staging of `sftp:` URLs, and of `scp:` ones, which mean the same: `sftp://[user@]host[:port]/path`.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createSftpStaging(options: SftpStagingOptions = {}): Staging {
  const connections = options.connections ?? createSshConnections(options.ssh);
  const locate = async ({ url }: DataFile) => {
    const { address, path } = parseSftpUrl(url);
    return { connection: await connections.to(address), path, url };
  };
  const isOurs = ({ scheme }: DataFile) => SCHEMES.includes(scheme);
  return {
    name: 'sftp',
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
      const { connection, path, url } = await locate(file);
      return requesting(connection, { what: `look at ${url}`, signal }, (session) => identityAt(session, path, url));
    },
    async *list(folder, signal) {
      const { connection, path, url } = await locate(folder);
      yield* listRemoteFolder({ connection, path, url }, signal);
    },
    async remove(files, signal) {
      await runParallel(files, { limit: PARALLEL_REMOVALS, signal }, async (file, stop) => {
        const { connection, path, url } = await locate(file);
        await requesting(connection, { what: `remove ${url}`, signal: stop }, (session) =>
          session.remove(path).catch((error: unknown) => {
            if (!isMissing(error)) throw error;
          }),
        );
      });
    },
    close: async () => (options.connections === undefined ? connections.close() : undefined),
  };
}

const SCHEMES: readonly string[] = ['sftp', 'scp'];
const PARALLEL_REMOVALS = 16;

async function identityAt(session: SftpSession, path: string, url: string): Promise<FileIdentity | undefined> {
  try {
    const stats = await session.stat(path);
    if (stats.kind === 'file') return identityOf(stats);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  throw new SluiceError('INVALID_OPTIONS', `${url} is no file: name the files in it, or end the URL in /`);
}
