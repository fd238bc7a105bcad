import * as z from 'zod';
import { parseOptions } from '../parse-options.js';

/** Options of {@link SingleNodeLauncher}. */
export interface SingleNodeLauncherOptions {
  /** The block has failed when any copy has, rather than when all have. Copies that still run are waited for. Default: false. */
  failOnAny?: boolean;
}

export type ResolvedSingleNodeLauncherOptions = Required<SingleNodeLauncherOptions>;

const schema = z.strictObject({ failOnAny: z.boolean().default(false) });

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveSingleNodeLauncherOptions(
  options: SingleNodeLauncherOptions,
): ResolvedSingleNodeLauncherOptions {
  return parseOptions(schema, options, 'SingleNodeLauncher options');
}
