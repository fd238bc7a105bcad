import * as z from 'zod';
import { SluiceError } from '../../errors.js';

/** Options of `createRsyncStaging`. */
export interface RsyncStagingOptions {
  /** The program. Default: `rsync`, by the PATH. */
  program?: string;
  /** Whether what has the same checksum on both sides is left as it is, which reads both. Default: false. */
  checksum?: boolean;
  /** Password for daemons. Default: `RSYNC_PASSWORD` of the environment. */
  password?: string;
  /** Command by which hosts are reached, without the host. Default: `ssh -o BatchMode=yes`. */
  ssh?: readonly string[];
  /** Longest silence on a connection, in milliseconds (rsync rounds up to seconds). Default: 60 s. */
  idleTimeoutMs?: number;
}

export type ResolvedRsyncStagingOptions = Required<Omit<RsyncStagingOptions, 'password'>> & { password?: string };

const schema = z.strictObject({
  program: z.string().min(1).default('rsync'),
  checksum: z.boolean().default(false),
  password: z.string().exactOptional(),
  ssh: z
    .array(z.string().regex(/^[^\s'"]+$/, 'must be a word without spaces and quotes'))
    .min(1)
    .default(['ssh', '-oBatchMode=yes']),
  idleTimeoutMs: z.int().positive().default(60_000),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once, and no value */
export function resolveRsyncOptions(options: RsyncStagingOptions): ResolvedRsyncStagingOptions {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new SluiceError('INVALID_OPTIONS', `rsync options:\n${z.prettifyError(parsed.error)}`);
}
