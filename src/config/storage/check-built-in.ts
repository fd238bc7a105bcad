import { resolveFtpStagingOptions } from '../../data/ftp/ftp-staging-options.js';
import { resolveGlobusStagingOptions } from '../../data/globus/globus-staging-options.js';
import { resolveHttpStagingOptions } from '../../data/http/http-staging-options.js';
import { resolveRsyncOptions } from '../../data/rsync/rsync-options.js';
import type { BuiltInEntry, BuiltInStaging } from '../../data/storage-access.js';
import { resolveZipStagingOptions } from '../../data/zip/zip-staging-options.js';
import { messageOf, SluiceError } from '../../errors.js';
import { resolveGcsStoreOptions } from '../../object-store/gcs/gcs-options.js';
import { resolveS3StoreOptions } from '../../object-store/s3/s3-options.js';
import { resolveSshOptions } from '../../ssh/ssh-options.js';
import { describeAgain, optionsOf } from './built-in-stagings.js';

/**
 * The entry, held to what its staging takes. In a module of its own, which is loaded when a list is used: the descriptions
 * alone are part of what `import 'sluice'` loads. @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once
 */
export function checkBuiltIn(entry: BuiltInEntry): BuiltInEntry {
  const described = describeAgain(entry);
  try {
    CHECKS[described.name](described.options);
  } catch (error) {
    throw new SluiceError('INVALID_OPTIONS', `${optionsOf(described.name)}: ${messageOf(error)}`);
  }
  return described;
}

const CHECKS: Readonly<Record<BuiltInStaging, (options: object) => unknown>> = {
  file: refuseAny,
  s3: (options) => resolveS3StoreOptions({ ...options, bucket: 'any' }),
  gcs: (options) => resolveGcsStoreOptions({ ...options, bucket: 'any' }),
  http: (options) => resolveHttpStagingOptions(options),
  sftp: resolveSshOptions,
  ftp: resolveFtpStagingOptions,
  globus: resolveGlobusStagingOptions,
  zip: (options) => resolveZipStagingOptions(options),
  rsync: resolveRsyncOptions,
};

function refuseAny(options: object): void {
  const [first] = Object.keys(options);
  if (first !== undefined) throw new SluiceError('INVALID_OPTIONS', `there is no \`${first}\`, but only \`match\``);
}
