import type { FtpStagingOptions as FtpOptions } from '../../data/ftp/ftp-staging-options.js';
import type { GlobusStagingOptions as GlobusOptions } from '../../data/globus/globus-staging-options.js';
import type { HttpStagingOptions as HttpOptions, HttpSite } from '../../data/http/http-staging-options.js';
import type { RsyncStagingOptions as RsyncOptions } from '../../data/rsync/rsync-options.js';
import type { BuiltInEntry, BuiltInStaging } from '../../data/storage-access.js';
import type { ZipStagingOptions as ZipOptions } from '../../data/zip/zip-staging-options.js';
import type { GcsStoreOptions } from '../../object-store/gcs/gcs-options.js';
import type { S3StoreOptions } from '../../object-store/s3/s3-options.js';
import type { SshOptions } from '../../ssh/ssh-options.js';
import { refuseNamedSecrets, refuseSecretUrl, type SecretOptions } from './refuse-secrets.js';
import { resolveMatch, type UrlMatch } from './url-match.js';

/** Options of {@link s3Staging}. Keys are the workers': their environment, profile or role. */
export type S3StagingOptions = UrlMatch & Omit<S3StoreOptions, 'bucket' | 'credentials'>;
/** Options of {@link gcsStaging}. Credentials are the workers': Application Default Credentials, or `keyFile` there. */
export type GcsStagingOptions = UrlMatch &
  Omit<GcsStoreOptions, 'bucket' | 'credentials' | 'authentication'> & {
    /** Whether requests carry no credentials, for public buckets. Default: false. */
    anonymous?: boolean;
  };
/** A site of {@link httpStaging}, without secrets: those are in `SLUICE_HTTP_OPTIONS` of the workers. */
export type HttpSiteOptions = Omit<HttpSite, 'bearer' | 'username' | 'password'>;
/** Options of {@link httpStaging}; they count before what `SLUICE_HTTP_OPTIONS` of the workers has. */
export type HttpStagingOptions = UrlMatch &
  Omit<HttpOptions, 'sites'> & { sites?: Readonly<Record<string, HttpSiteOptions>> };
/** Options of {@link sftpStaging}: how workers reach hosts over ssh. */
export type SftpStagingOptions = UrlMatch & Omit<SshOptions, 'password' | 'passphrase'>;
/** Options of {@link ftpStaging}; they count before what `SLUICE_FTP_OPTIONS` of the workers has. */
export type FtpStagingOptions = UrlMatch & Omit<FtpOptions, 'credentials'>;
/** Options of {@link globusStaging}; they count before what `SLUICE_GLOBUS_OPTIONS` of the workers has. */
export type GlobusStagingOptions = UrlMatch & Omit<GlobusOptions, 'accessToken'>;
/** Options of {@link zipStaging}; they count before what `SLUICE_ZIP_OPTIONS` of the workers has. */
export type ZipStagingOptions = UrlMatch & ZipOptions;
/** Options of {@link rsyncStaging}. */
export type RsyncStagingOptions = UrlMatch & Omit<RsyncOptions, 'password'>;

/**
 * `file:` URLs, on a disk that the worker sees.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, as all of these do, for a secret among the options, and for a match that is none;
 *   other options are checked when the list is used first, by `load`
 */
export function fileStaging(options: UrlMatch = {}): BuiltInEntry {
  return describe('file', options);
}

/** `s3:` URLs, with options of their own for some of them. */
export function s3Staging(options: S3StagingOptions = {}): BuiltInEntry {
  return describe('s3', options);
}

/** `gs:` URLs. */
export function gcsStaging({ anonymous, ...options }: GcsStagingOptions = {}): BuiltInEntry {
  return describe('gcs', anonymous === true ? { ...options, authentication: 'none' } : options);
}

/** `http:` and `https:` URLs. */
export function httpStaging(options: HttpStagingOptions = {}): BuiltInEntry {
  return describe('http', options);
}

/** `sftp:` and `scp:` URLs. */
export function sftpStaging(options: SftpStagingOptions = {}): BuiltInEntry {
  return describe('sftp', options);
}

/** `ftp:` and `ftps:` URLs. */
export function ftpStaging(options: FtpStagingOptions = {}): BuiltInEntry {
  return describe('ftp', options);
}

/** `globus:` URLs. */
export function globusStaging(options: GlobusStagingOptions = {}): BuiltInEntry {
  return describe('globus', options);
}

/** `zip:` URLs. */
export function zipStaging(options: ZipStagingOptions = {}): BuiltInEntry {
  return describe('zip', options);
}

/** `rsync:` and `rsync+ssh:` URLs. */
export function rsyncStaging(options: RsyncStagingOptions = {}): BuiltInEntry {
  return describe('rsync', options);
}

/** Holds an entry to what its function would have refused: it may have been written by hand. @throws {SluiceError} `INVALID_OPTIONS` */
export function describeAgain({ name, match, options }: BuiltInEntry): BuiltInEntry {
  return describe(name, { ...options, ...(match !== undefined && { match }) });
}

/** What errors call the options of one. */
export function optionsOf(name: BuiltInStaging): string {
  return `${name}Staging options`;
}

function describe(name: BuiltInStaging, given: object): BuiltInEntry {
  const { match, ...options } = given as UrlMatch & HttpOptions & { readonly endpoint?: unknown };
  const what = optionsOf(name);
  refuseNamedSecrets(options, SECRETS[name] ?? {}, what);
  if (typeof options.endpoint === 'string') refuseSecretUrl(options.endpoint, `${what}: endpoint`);
  if (name === 'http') refuseSecretsOfSites(options, what);
  return { kind: 'builtIn', name, ...resolveMatch(match, what), options };
}

const S3_KEYS =
  'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in their environment, or AWS_PROFILE, or give them a role';
const HTTP_SECRETS = 'put it into SLUICE_HTTP_OPTIONS of their environment: {"sites":{"https://host/":{"bearer":"…"}}}';
const HTTP_HEADERS =
  'put it into SLUICE_HTTP_OPTIONS of their environment: {"sites":{"https://host/":{"headers":{…}}}}';
const SSH_SECRETS = 'give them keys without a passphrase, or an agent';

const SECRETS: Readonly<Partial<Record<BuiltInStaging, SecretOptions>>> = {
  s3: { credentials: S3_KEYS, accessKeyId: S3_KEYS, secretAccessKey: S3_KEYS, sessionToken: S3_KEYS },
  gcs: {
    credentials: 'set GOOGLE_APPLICATION_CREDENTIALS in their environment, or give `keyFile`, a path there',
  },
  sftp: { password: SSH_SECRETS, passphrase: SSH_SECRETS },
  ftp: {
    credentials:
      'put them into ~/.netrc there, or into SLUICE_FTP_OPTIONS of their environment: {"credentials":{"host":{"user":"…","password":"…"}}}',
  },
  globus: { accessToken: 'log in there, or name the file of their tokens in `tokenFile`' },
  rsync: { password: 'set RSYNC_PASSWORD in their environment' },
};

function refuseSecretsOfSites({ sites = {} }: HttpOptions, what: string): void {
  for (const [site, of] of Object.entries(sites)) {
    refuseSecretUrl(site, `${what}: sites`);
    const named = `${what}: sites['${site}']`;
    refuseNamedSecrets(of, { bearer: HTTP_SECRETS, username: HTTP_SECRETS, password: HTTP_SECRETS }, named);
    const headers = Object.keys(of.headers ?? {}).filter((header) => SECRET_HEADER.test(header));
    const secrets = Object.fromEntries(headers.map((header) => [header, HTTP_HEADERS]));
    refuseNamedSecrets(secrets, secrets, `${named}.headers`);
  }
}

const SECRET_HEADER = /auth|cookie|token|secret|key|password|signature/i;
