import { environmentOptions } from '../data/environment-options.js';
import type { StagingDeclaration } from '../data/lazy-staging.js';
import type { Staging } from '../data/staging.js';

const HTTP_EXAMPLE = '{"sites":{"https://host/":{"bearer":"…"}}}';
const FTP_EXAMPLE = '{"credentials":{"host":{"user":"…","password":"…"}}}';
const GLOBUS_EXAMPLE = '{"endpointId":"<uuid>","endpointPath":"/~/","localPath":"/home/me"}';
const ZIP_EXAMPLE = '{"largestMemberBytes":1000000000}';

function fromEnvironment(variable: string, example: string): EntryOptions {
  return (environmentOptions(variable, example) ?? {}) as EntryOptions;
}

/** Options of an entry of a list, checked on the client. */
export type EntryOptions = Readonly<Record<string, unknown>>;

/** A staging that few tasks need. */
interface LateStaging {
  /** What it says of itself. */
  readonly declared: StagingDeclaration;
  /** Loads its code. @param options of an entry of a list; what they leave out is as the environment of this process says */
  open(options?: EntryOptions): Promise<Staging>;
}

/** Stagings whose code is loaded when a file of theirs is: one row each. */
export const LATE_STAGINGS: readonly LateStaging[] = [
  {
    declared: {
      name: 'http',
      schemes: ['http', 'https'],
      capabilities: { stageOut: true, list: false, remove: true, identity: 'time' },
    },
    async open(options) {
      const { createHttpStaging } = await import('../data/http/http-staging.js');
      if (options === undefined) return createHttpStaging();
      const { mergeHttpOptions } = await import('../data/http/merge-http-options.js');
      return createHttpStaging(mergeHttpOptions(fromEnvironment('SLUICE_HTTP_OPTIONS', HTTP_EXAMPLE), options));
    },
  },
  {
    declared: {
      name: 'sftp',
      schemes: ['sftp', 'scp'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    },
    open: async (ssh) => (await import('../data/sftp/sftp-staging.js')).createSftpStaging(ssh && { ssh }),
  },
  {
    declared: {
      name: 'ftp',
      schemes: ['ftp', 'ftps'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    },
    async open(options) {
      const { createFtpStaging } = await import('../data/ftp/ftp-staging.js');
      return createFtpStaging(options && { ...fromEnvironment('SLUICE_FTP_OPTIONS', FTP_EXAMPLE), ...options });
    },
  },
  {
    declared: {
      name: 'globus',
      schemes: ['globus'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    },
    async open(options) {
      const { createGlobusStaging } = await import('../data/globus/globus-staging.js');
      return createGlobusStaging(
        options && { ...fromEnvironment('SLUICE_GLOBUS_OPTIONS', GLOBUS_EXAMPLE), ...options },
      );
    },
  },
  {
    declared: {
      name: 'zip',
      schemes: ['zip'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'content' },
    },
    async open(options) {
      const { createZipStaging } = await import('../data/zip/zip-staging.js');
      return createZipStaging(options && { ...fromEnvironment('SLUICE_ZIP_OPTIONS', ZIP_EXAMPLE), ...options });
    },
  },
  {
    declared: {
      name: 'rsync',
      schemes: ['rsync', 'rsync+ssh'],
      capabilities: { stageOut: true, list: true, remove: false, identity: 'time' },
    },
    open: async (options) => (await import('../data/rsync/rsync-staging.js')).createRsyncStaging(options),
  },
];
