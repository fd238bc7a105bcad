import * as z from 'zod';
import { parseOptions } from '../../parse-options.js';

/** Options of {@link LocalChannel}. */
export interface LocalChannelOptions {
  /** Folder of the runs: a run's scripts and output go to `<root>/<run id>/blocks`. Default: `sluice-runs`. */
  root?: string;
}

export type ResolvedLocalChannelOptions = Required<LocalChannelOptions>;

const schema = z.strictObject({ root: z.string().min(1).default('sluice-runs') });

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveLocalChannelOptions(options: LocalChannelOptions): ResolvedLocalChannelOptions {
  return parseOptions(schema, options, 'LocalChannel options');
}
