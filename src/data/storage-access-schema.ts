import * as z from 'zod';
import { BUILT_IN_STAGINGS, type StagingEntry, type StorageAccess } from './storage-access.js';

const match = z.array(z.string().min(1)).min(1).readonly().exactOptional();

const entry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('builtIn'),
    name: z.enum(BUILT_IN_STAGINGS),
    match,
    options: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    kind: z.literal('module'),
    module: z.url({ protocol: /^file$/ }),
    match,
    options: z.unknown().optional(),
  }),
]) as z.ZodType<StagingEntry>;

/** What a config and executors take. */
export const storageAccessSchema: z.ZodType<StorageAccess> = z.union(
  [z.array(entry).readonly(), z.strictObject({ only: z.array(entry).readonly() })],
  'expected a list of what s3Staging(), httpStaging(), customStaging(), … give, or { only: […] }',
);
