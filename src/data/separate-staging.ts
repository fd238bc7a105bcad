import * as z from 'zod';

/** Which files are staged by tasks of their own, and where these run. */
export interface SeparateStagingOptions {
  /** Schemes without colons: `['ftp', 'http', 'https']`. */
  readonly schemes: readonly string[];
  /** Label of the executor whose workers do it. Default: any that the task itself may run on. */
  readonly executor?: string;
}

const NEVER_MOVED: ReadonlySet<string> = new Set(['file', 'temp', 'zip']);

/** Schema of {@link SeparateStagingOptions}. */
export const separateStagingSchema: z.ZodType<SeparateStagingOptions> = z.strictObject({
  schemes: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9+.-]*$/, 'must be a scheme without its colon: ftp')
        .refine((scheme) => !NEVER_MOVED.has(scheme), 'must be of files that come from elsewhere'),
    )
    .min(1),
  executor: z.string().min(1).exactOptional(),
});
