import * as z from 'zod';
import type { StorageAccess } from '../../data/storage-access.js';
import { storageAccessSchema } from '../../data/storage-access-schema.js';
import { parseOptions } from '../../parse-options.js';
import { type BucketOptions, bucketFields, type OptionalBucketOption } from '../../run-bucket/bucket-options.js';

/** Options of {@link LambdaExecutor}. Region and keys that are left out are found as the AWS SDK finds them. */
export interface LambdaOptions extends BucketOptions {
  /** Default: `lambda`. */
  label?: string;
  /** The function that `sluice deploy lambda` made. Default: `sluice-worker`. */
  functionName?: string;
  /** Bucket for local files and for payloads above Lambda's 6 MB; without one such tasks are refused. */
  bucket?: string;
  /** Of the function and the bucket. Default: `AWS_REGION`, then the profile's. */
  region?: string;
  /** Invocations at a time, at most, and so sockets. Default: 1,000, an account's concurrency (AWS Lambda quotas). */
  maxConcurrency?: number;
  /** How long invocations may be throttled without one getting through, in milliseconds. Default: 15 min. */
  throttleDeadlineMs?: number;
  /** Who moves the files of its tasks, in order. Default: that of the run's config. */
  storageAccess?: StorageAccess;
}

type Optional = OptionalBucketOption | 'storageAccess';

export type ResolvedLambdaOptions = Required<Omit<LambdaOptions, Optional>> & Pick<LambdaOptions, Optional>;

const schema = z.strictObject({
  label: z.string().min(1).default('lambda'),
  functionName: z.string().min(1).default('sluice-worker'),
  ...bucketFields,
  maxConcurrency: z.int().positive().default(1_000),
  throttleDeadlineMs: z
    .number()
    .positive()
    .default(15 * 60_000),
  storageAccess: storageAccessSchema.exactOptional(),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveLambdaOptions(options: LambdaOptions): ResolvedLambdaOptions {
  return parseOptions(schema, options, 'LambdaExecutor options');
}
