import * as z from 'zod';

/** Options of executors whose workers get files and large values through a bucket. */
export interface BucketOptions {
  /** Name of the bucket. Workers reach it with the keys of their own environment or role. */
  bucket?: string;
  /** Keys of the run are `<prefix>/<run id>/<label>/…`; all of them are deleted at close. Default: `sluice`. */
  prefix?: string;
  /** Of the bucket. Default: `AWS_REGION`, then the profile's. */
  region?: string;
}

/** The {@link BucketOptions} that have no default. */
export type OptionalBucketOption = 'bucket' | 'region';

/** What an executor's schema has for {@link BucketOptions}. */
export const bucketFields: {
  readonly bucket: z.ZodExactOptional<z.ZodString>;
  readonly prefix: z.ZodDefault<z.ZodString>;
  readonly region: z.ZodExactOptional<z.ZodString>;
} = {
  bucket: z
    .string()
    .regex(/^[^/\s:]+$/, 'must be the name alone: my-bucket')
    .exactOptional(),
  prefix: z
    .string()
    .regex(/^[^/\s]+(\/[^/\s]+)*$/, 'must be parts of keys, such as team/sluice, without a slash at either end')
    .default('sluice'),
  region: z.string().min(1).exactOptional(),
};
