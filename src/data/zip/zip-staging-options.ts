import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { parseOptions } from '../../parse-options.js';

/** Options of `createZipStaging`, and, as JSON, of the variable `SLUICE_ZIP_OPTIONS`. */
export interface ZipStagingOptions {
  /** Largest member that is unpacked, in bytes. Default: no limit but the disk's. */
  largestMemberBytes?: number;
  /**
   * How many times larger than packed a member may be. Default: 1,100, which deflate never reaches, so that only an
   * archive that lies does.
   */
  largestRatio?: number;
  /** Longest wait for other processes that write to the same archive, in milliseconds. Default: 10 min. */
  lockTimeoutMs?: number;
}

export type ResolvedZipStagingOptions = Required<ZipStagingOptions>;

const schema = z.strictObject({
  largestMemberBytes: z.int().positive().default(Number.MAX_SAFE_INTEGER),
  largestRatio: z.number().min(1).default(1_100),
  lockTimeoutMs: z
    .int()
    .positive()
    .default(10 * 60_000),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveZipStagingOptions(options: ZipStagingOptions, what = 'zip options'): ResolvedZipStagingOptions {
  return parseOptions(schema, options, what);
}

/** The options that the environment has for this process. @throws {SluiceError} `INVALID_OPTIONS` */
export function zipOptionsFrom(environment: NodeJS.ProcessEnv): ResolvedZipStagingOptions {
  const text = environment[VARIABLE];
  if (text === undefined || text.trim() === '') return resolveZipStagingOptions({});
  try {
    return resolveZipStagingOptions(JSON.parse(text) as ZipStagingOptions, VARIABLE);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('INVALID_OPTIONS', `${VARIABLE} is not JSON: write {"largestMemberBytes":1000000000}`);
  }
}

const VARIABLE = 'SLUICE_ZIP_OPTIONS';
