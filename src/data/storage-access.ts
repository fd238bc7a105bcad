import * as z from 'zod';

/** Stagings that come with Sluice, by the names of the functions that describe them. */
export const BUILT_IN_STAGINGS = ['file', 's3', 'gcs', 'http', 'sftp', 'ftp', 'globus', 'zip', 'rsync'] as const;

export type BuiltInStaging = (typeof BUILT_IN_STAGINGS)[number];

/** Who moves files of some URLs, as plain data: made by `s3Staging`, `httpStaging`, …, `customStaging`. */
export type StagingEntry = BuiltInEntry | ModuleEntry;

/** One that comes with Sluice. */
export interface BuiltInEntry {
  readonly kind: 'builtIn';
  readonly name: BuiltInStaging;
  /** Beginnings of the URLs it is for; absent: all of its schemes. */
  readonly match?: readonly string[];
  /** Of the staging, and none of them secret: they travel with tasks. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** One that a module of the user's makes. */
export interface ModuleEntry {
  readonly kind: 'module';
  /** `file:` URL. */
  readonly module: string;
  readonly match?: readonly string[];
  /** What its default export is called with. */
  readonly options?: unknown;
}

/**
 * Who moves the files of tasks, in order: the first that knows a URL. What none of them knows is left to Sluice's own, unless
 * these are `only` to be used.
 */
export type StorageAccess = readonly StagingEntry[] | { readonly only: readonly StagingEntry[] };

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
