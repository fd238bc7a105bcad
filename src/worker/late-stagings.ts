import type { StagingDeclaration } from '../data/lazy-staging.js';
import type { Staging } from '../data/staging.js';

/** A staging that few tasks need. */
interface LateStaging {
  /** What it says of itself. */
  readonly declared: StagingDeclaration;
  /** Loads its code. */
  open(): Promise<Staging>;
}

/** Stagings whose code is loaded when a file of theirs is: one row each. */
export const LATE_STAGINGS: readonly LateStaging[] = [
  {
    declared: {
      name: 'http',
      schemes: ['http', 'https'],
      capabilities: { stageOut: true, list: false, remove: true, identity: 'time' },
    },
    open: async () => (await import('../data/http/http-staging.js')).createHttpStaging(),
  },
  {
    declared: {
      name: 'sftp',
      schemes: ['sftp', 'scp'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    },
    open: async () => (await import('../data/sftp/sftp-staging.js')).createSftpStaging(),
  },
  {
    declared: {
      name: 'ftp',
      schemes: ['ftp', 'ftps'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    },
    open: async () => (await import('../data/ftp/ftp-staging.js')).createFtpStaging(),
  },
  {
    declared: {
      name: 'globus',
      schemes: ['globus'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    },
    open: async () => (await import('../data/globus/globus-staging.js')).createGlobusStaging(),
  },
  {
    declared: {
      name: 'zip',
      schemes: ['zip'],
      capabilities: { stageOut: true, list: true, remove: true, identity: 'content' },
    },
    open: async () => (await import('../data/zip/zip-staging.js')).createZipStaging(),
  },
  {
    declared: {
      name: 'rsync',
      schemes: ['rsync', 'rsync+ssh'],
      capabilities: { stageOut: true, list: true, remove: false, identity: 'time' },
    },
    open: async () => (await import('../data/rsync/rsync-staging.js')).createRsyncStaging(),
  },
];
