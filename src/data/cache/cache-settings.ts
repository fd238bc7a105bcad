import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { CacheOptions } from '../cache-options.js';

/** A cache as one worker has it. */
export interface CacheSettings {
  /** Absolute path; each machine and user has a folder in it. */
  readonly directory: string;
  /** Its name can be guessed, in a folder that all may write to: one that is not this user's alone is not used. */
  readonly isGuessable: boolean;
  /** Absent: as much as the disk has room for. */
  readonly maxBytes: number | undefined;
  readonly verify: 'stat' | 'hash';
}

/**
 * What a worker makes of its run's options, which the client has checked, and of its own environment; `undefined`: no
 * cache.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` for a variable that makes no sense
 */
export function cacheSettings(
  options: CacheOptions | false,
  environment: NodeJS.ProcessEnv,
): CacheSettings | undefined {
  if (options === false) return undefined;
  const maxBytes = options.maxBytes ?? bytesIn(environment);
  if (maxBytes === 0) return undefined;
  const named = options.directory ?? (environment.SLUICE_CACHE_DIR || undefined);
  const directory = named !== undefined && canBeWritten(named, environment) ? named : undefined;
  return {
    directory: directory ?? join(tmpdir(), `sluice-cache-${userId()}`),
    isGuessable: directory === undefined,
    maxBytes,
    verify: options.verify ?? 'stat',
  };
}

/** Of this process's user; 0 where there are no such numbers. */
export function userId(): number {
  return process.geteuid?.() ?? 0;
}

// AWS Lambda Developer Guide, "Execution environment": /tmp is all that a function may write to.
function canBeWritten(directory: string, { AWS_LAMBDA_FUNCTION_NAME }: NodeJS.ProcessEnv): boolean {
  return AWS_LAMBDA_FUNCTION_NAME === undefined || directory.startsWith(tmpdir() + sep);
}

function bytesIn({ SLUICE_CACHE_MIB: text }: NodeJS.ProcessEnv): number | undefined {
  if (text === undefined || text === '') return undefined;
  const mebibytes = Number(text);
  if (Number.isInteger(mebibytes) && mebibytes >= 0) return mebibytes * MIB;
  throw new SluiceError('INVALID_OPTIONS', `SLUICE_CACHE_MIB is '${text}': it should be a whole number`);
}

const MIB = 1024 * 1024;
