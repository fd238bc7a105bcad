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
