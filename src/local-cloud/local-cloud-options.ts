import * as z from 'zod';
import { parseOptions } from '../parse-options.js';
import type { FaultRule } from './faults/fault.js';

/** Options of {@link startLocalCloud}. */
export interface LocalCloudOptions {
  /** Port on 127.0.0.1. Default: 0, a free one. */
  readonly port?: number;
  /** Folder of buckets and functions, made if missing; they survive a restart. Default: a temporary one, removed at close. */
  readonly folder?: string;
  /** The one region there is, but for buckets of S3. Default: `us-east-1`. */
  readonly region?: string;
  /**
   * Further regions that S3 has buckets in: each is in the region its making was signed for, and requests signed for another
   * one are sent there, as S3 does it. Default: none.
   */
  readonly s3Regions?: readonly string[];
  /** The one access key that is accepted. Default: `LOCALCLOUDKEY`. */
  readonly accessKeyId?: string;
  /** Its secret. Default: `local-cloud-secret`. */
  readonly secretAccessKey?: string;
  /** The one Google Cloud project. Default: `local-cloud`. */
  readonly project?: string;
  /**
   * Whether Cloud Storage takes requests without a token. Google's SDKs send none where `STORAGE_EMULATOR_HOST` leads
   * them. Default: `allowed`.
   */
  readonly gcsAnonymous?: 'allowed' | 'refused';
  /** Lambda invocations at the same time, over all functions: the account's limit. Default: 1,000, as on AWS. */
  readonly concurrency?: number;
  /**
   * Lambda's processes at the same time, each an execution environment; invocations above it get the same 429 as above
   * `concurrency`. Default: 64.
   */
  readonly maxEnvironments?: number;
  /** How long an execution environment stays warm without work, in milliseconds. Default: 60,000. */
  readonly idleMs?: number;
  /**
   * Pauses before each retry of an Event invocation that failed, in milliseconds. Default: 1,000 and 2,000
   * (AWS: one minute and two).
   */
  readonly eventRetryDelaysMs?: readonly number[];
  /** How long `close` waits for Event invocations that are queued or running, in milliseconds. Default: 5,000. */
  readonly graceMs?: number;
  /**
   * Path of the JavaScript file that environments run, with what Lambda sets in their environment, in place of
   * local-cloud's own Node.js runtime: `index.mjs` of the package `aws-lambda-ric`, or a runtime of your own.
   */
  readonly runtime?: string;
  /** What goes wrong from the start on. Default: nothing but what the services document. */
  readonly faults?: readonly FaultRule[];
  /** Seed of the random numbers of `faults`. Default: 1. */
  readonly faultSeed?: number;
  /** Told, in one line each, of every fault that was injected. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** Options with every default filled in; `folder` and `runtime` stay open. */
export type ResolvedLocalCloudOptions = Required<Omit<LocalCloudOptions, 'folder' | 'runtime'>> &
  Pick<LocalCloudOptions, 'folder' | 'runtime'>;

const ms = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'not the name of a region, like us-east-1');
const schema = z.strictObject({
  port: z.int().min(0).max(65_535).default(0),
  folder: z.string().min(1).exactOptional(),
  region: region.default('us-east-1'),
  s3Regions: z.array(region).readonly().default([]),
  // AWS's own keys have 16 to 128 word characters; a slash would break the credential scope.
  accessKeyId: z
    .string()
    .regex(/^\w{1,128}$/, 'letters, digits and _ only')
    .default('LOCALCLOUDKEY'),
  secretAccessKey: z
    .string()
    .min(1)
    .regex(/^[\x21-\x7e]+$/, 'printable ASCII only')
    .default('local-cloud-secret'),
  // Source: "Creating and managing projects", Resource Manager.
  project: z
    .string()
    .regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, 'not the id of a project: 6 to 30 lower-case letters, digits and -')
    .default('local-cloud'),
  gcsAnonymous: z.enum(['allowed', 'refused']).default('allowed'),
  concurrency: z.int().positive().default(1000),
  maxEnvironments: z.int().positive().default(64),
  idleMs: ms.default(60_000),
  eventRetryDelaysMs: z.array(ms).readonly().default([1000, 2000]),
  graceMs: ms.default(5000),
  runtime: z.string().min(1).exactOptional(),
  // Their own schema knows the services, and runs when they are set.
  faults: z.custom<readonly FaultRule[]>(Array.isArray, 'a list of rules').default([]),
  faultSeed: z.int().default(1),
  log: z.custom<(line: string) => void>((given) => typeof given === 'function', 'a function').default(() => ignore),
});

function ignore(): void {}

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once. */
export function resolveLocalCloudOptions(options: LocalCloudOptions): ResolvedLocalCloudOptions {
  return parseOptions(schema, options, 'local-cloud options');
}
