import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { environmentOptions } from '../environment-options.js';
import { UUID } from './globus-url.js';

/** Options of `createGlobusStaging`, and, as JSON, of the variable `SLUICE_GLOBUS_OPTIONS`. */
export interface GlobusStagingOptions {
  /** UUID of the collection that has the worker's own disk. Needed for transfers, with the two paths. */
  endpointId?: string;
  /** Folder of that collection which is {@link GlobusStagingOptions.localPath} on the worker: `/~/`, `/scratch/me/`. */
  endpointPath?: string;
  /** The same folder, as the worker sees it. Files pass through a folder of their own below it. */
  localPath?: string;
  /** Token for the Transfer API, or a function that gets one. Default: those of the token file. */
  accessToken?: string | (() => string | Promise<string>);
  /** Where the tokens of a login are kept. Default: `~/.sluice/globus.json`. */
  tokenFile?: string;
  /** Time for one transfer, in milliseconds; Globus gives up then, too. Default: 24 h. */
  deadlineMs?: number;
  /** Time before a task is first looked at, in milliseconds; it grows up to thirty times that. Default: 1 s. */
  pollMs?: number;
  /**
   * How long files are gathered for one task, in milliseconds: Globus works on three tasks of a user at a time.
   * Default: 50 ms.
   */
  gatherMs?: number;
  /** Whether Globus encrypts the data on its way. Default: false, unless a collection demands it. */
  encrypt?: boolean;
}

/** The worker's own collection. */
export interface OwnCollection {
  readonly endpointId: string;
  readonly endpointPath: string;
  readonly localPath: string;
}

export type ResolvedGlobusStagingOptions = Required<
  Pick<GlobusStagingOptions, 'tokenFile' | 'deadlineMs' | 'pollMs' | 'gatherMs' | 'encrypt'>
> &
  Pick<GlobusStagingOptions, 'accessToken'> & {
    /** @throws {SluiceError} `INVALID_OPTIONS` when it is not set */
    own(): OwnCollection;
  };

const LONGEST_MS = 2 ** 31 - 1;
const schema = z
  .strictObject({
    endpointId: z.string().regex(UUID, 'must be the UUID of a collection').exactOptional(),
    endpointPath: z.string().regex(/^\//, 'must begin with /').exactOptional(),
    localPath: z.string().refine(isAbsolute, 'must be an absolute path').exactOptional(),
    accessToken: z
      .union([
        z.string().min(1),
        z.custom<() => string | Promise<string>>((value) => typeof value === 'function', 'expected a function'),
      ])
      .exactOptional(),
    tokenFile: z.string().min(1).exactOptional(),
    deadlineMs: z
      .int()
      .positive()
      .max(LONGEST_MS)
      .default(24 * 60 * 60_000),
    pollMs: z.int().positive().max(60_000).default(1_000),
    gatherMs: z.int().nonnegative().max(60_000).default(50),
    encrypt: z.boolean().default(false),
  })
  .refine(
    ({ endpointId, endpointPath, localPath }) =>
      [endpointId, endpointPath, localPath].every((one) => one === undefined) ||
      [endpointId, endpointPath, localPath].every((one) => one !== undefined),
    'endpointId, endpointPath and localPath say one thing together: give all three',
  );

const VARIABLE = 'SLUICE_GLOBUS_OPTIONS';
const EXAMPLE = '{"endpointId":"<uuid>","endpointPath":"/~/","localPath":"/home/me"}';

/**
 * @param options default: those of the environment
 * @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once, and never a token
 */
export function resolveGlobusStagingOptions(options?: GlobusStagingOptions): ResolvedGlobusStagingOptions {
  const parsed = schema.safeParse(options ?? environmentOptions(VARIABLE, EXAMPLE) ?? {});
  if (!parsed.success) {
    const what = options === undefined ? VARIABLE : 'Globus staging options';
    throw new SluiceError('INVALID_OPTIONS', `${what}:\n${z.prettifyError(parsed.error)}`);
  }
  const { endpointId, endpointPath, localPath, ...others } = parsed.data;
  return {
    ...others,
    tokenFile: others.tokenFile ?? join(homedir(), '.sluice', 'globus.json'),
    own() {
      if (endpointId !== undefined && endpointPath !== undefined && localPath !== undefined) {
        return { endpointId, endpointPath, localPath };
      }
      throw new SluiceError(
        'INVALID_OPTIONS',
        `Globus moves files between collections, and which one has this worker's disk is not known: set ${VARIABLE} to ${EXAMPLE}`,
      );
    },
  } as ResolvedGlobusStagingOptions;
}
