import { createHash } from 'node:crypto';
import type { FunctionConfiguration, LambdaClient, Runtime } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { messageOf, SluiceError } from '../../errors.js';
import { parseOptions } from '../../parse-options.js';
import { VERSION } from '../../version.js';
import { WIRE_VERSION } from '../../wire/task-envelope.js';
import { DEPLOYED_VERSION, DEPLOYED_WIRE_VERSION } from './deployed-function.js';
import { createLambdaClient } from './lambda-client.js';
import { lambdaFailure } from './lambda-failure.js';
import { BUNDLE_HANDLER, zippedWorkerBundle } from './worker-bundle.js';

/** Options of {@link deployLambda}. Region and keys that are left out are found as the AWS SDK finds them. */
export interface DeployLambdaOptions {
  /** Default: `sluice-worker`. */
  functionName?: string;
  /** ARN of the role the function runs as: it needs AWSLambdaBasicExecutionRole, and S3 for the files of tasks. */
  role?: string;
  /** Memory of each environment, 128 to 10,240; processor time grows with it. Default: 1,769, one vCPU's worth. */
  memoryMiB?: number;
  /** 1 to 900. Default: 900. */
  timeoutSeconds?: number;
  /** Size of /tmp, 512 to 10,240. Default: 512. */
  ephemeralStorageMiB?: number;
  /** Default: `nodejs24.x`. */
  runtime?: string;
  /**
   * Environment variables of the function, as stores need them: `SLUICE_HTTP_OPTIONS`, `SLUICE_CACHE_MIB`, …; 4 KB with
   * Lambda's own. Those of an earlier deployment stay unless they are named again. Who may see the function's
   * configuration sees them.
   */
  environment?: Readonly<Record<string, string>>;
  region?: string;
}

/** What {@link deployLambda} did. */
export interface DeployedLambda {
  readonly functionName: string;
  readonly functionArn: string;
  readonly done: 'created' | 'updated' | 'unchanged';
}

const schema = z.strictObject({
  functionName: z.string().min(1).default('sluice-worker'),
  role: z.string().startsWith('arn:').exactOptional(),
  memoryMiB: z.int().min(128).max(10_240).default(1_769),
  timeoutSeconds: z.int().min(1).max(900).default(900),
  ephemeralStorageMiB: z.int().min(512).max(10_240).default(512),
  runtime: z
    .string()
    .regex(/^nodejs\d+\.x$/)
    .default('nodejs24.x'),
  // Source: AWS Lambda developer guide, "Working with Lambda environment variables".
  environment: z.record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]+$/), z.string()).default({}),
  region: z.string().min(1).exactOptional(),
});
type Resolved = z.infer<typeof schema>;

/**
 * Creates the function of a LambdaExecutor, or brings it to this version and these options; does nothing when it is
 * there already. Resolves when it can be invoked.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, `ACCESS_DENIED`, `SERVICE_FAILED`
 */
export async function deployLambda(options: DeployLambdaOptions = {}): Promise<DeployedLambda> {
  const resolved = parseOptions(schema, options, 'deploy lambda options');
  const zip = await zippedWorkerBundle();
  const client = await createLambdaClient({ region: resolved.region, maxSockets: 4 });
  try {
    const existing = await findConfiguration(client, resolved.functionName);
    if (existing === undefined) return await create(client, resolved, zip);
    return await update(client, resolved, zip, existing);
  } catch (error) {
    throw lambdaFailure(error, { functionName: resolved.functionName, doing: 'deploying' });
  } finally {
    client.destroy();
  }
}

async function findConfiguration(client: LambdaClient, name: string): Promise<FunctionConfiguration | undefined> {
  const { GetFunctionCommand } = await import('@aws-sdk/client-lambda');
  try {
    return (await client.send(new GetFunctionCommand({ FunctionName: name }), REQUEST)).Configuration;
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

async function create(client: LambdaClient, options: Resolved, zip: Uint8Array): Promise<DeployedLambda> {
  if (options.role === undefined) {
    throw new SluiceError(
      'INVALID_OPTIONS',
      `Lambda function '${options.functionName}' does not exist yet, and creating it needs the ARN of a role (--role): one with AWSLambdaBasicExecutionRole and access to the bucket`,
    );
  }
  const { CreateFunctionCommand } = await import('@aws-sdk/client-lambda');
  const command = new CreateFunctionCommand({
    FunctionName: options.functionName,
    Role: options.role,
    Code: { ZipFile: zip },
    ...configuration(options),
  });
  const made = await client.send(command, UPLOAD);
  await untilReady(client, options.functionName);
  return { functionName: options.functionName, functionArn: made.FunctionArn ?? '', done: 'created' };
}

async function update(
  client: LambdaClient,
  options: Resolved,
  zip: Uint8Array,
  existing: FunctionConfiguration,
): Promise<DeployedLambda> {
  const { UpdateFunctionCodeCommand, UpdateFunctionConfigurationCommand } = await import('@aws-sdk/client-lambda');
  const FunctionName = options.functionName;
  if (existing.Environment?.Variables?.[DEPLOYED_VERSION] === undefined) throw notOurs(FunctionName);
  const sameCode = existing.CodeSha256 === createHash('sha256').update(zip).digest('base64');
  const sameConfiguration = matches(existing, options);
  // The code comes first: the configuration says which version it is, and must not say so too early.
  if (!sameCode) {
    await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zip }), UPLOAD);
    await untilReady(client, FunctionName);
  }
  if (!sameConfiguration) {
    const role = options.role === undefined ? {} : { Role: options.role };
    const variables = { ...existing.Environment?.Variables, ...configuration(options).Environment.Variables };
    await client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName,
        ...configuration(options),
        ...role,
        Environment: { Variables: variables },
      }),
      REQUEST,
    );
    await untilReady(client, FunctionName);
  }
  const done = sameCode && sameConfiguration ? 'unchanged' : 'updated';
  return { functionName: FunctionName, functionArn: existing.FunctionArn ?? '', done };
}

function notOurs(name: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `Lambda function '${name}' exists and is no worker of sluice: it is left as it is; choose another name (--function), or delete it first`,
  );
}

function configuration(options: Resolved) {
  return {
    Runtime: options.runtime as Runtime,
    Handler: BUNDLE_HANDLER,
    MemorySize: options.memoryMiB,
    Timeout: options.timeoutSeconds,
    EphemeralStorage: { Size: options.ephemeralStorageMiB },
    Description: `sluice worker ${VERSION}`,
    Environment: { Variables: variablesOf(options) },
  };
}

function variablesOf({ environment }: Resolved): Record<string, string> {
  return { ...environment, [DEPLOYED_VERSION]: VERSION, [DEPLOYED_WIRE_VERSION]: String(WIRE_VERSION) };
}

function matches(existing: FunctionConfiguration, options: Resolved): boolean {
  const variables = existing.Environment?.Variables ?? {};
  return (
    existing.Runtime === options.runtime &&
    existing.Handler === BUNDLE_HANDLER &&
    existing.MemorySize === options.memoryMiB &&
    existing.Timeout === options.timeoutSeconds &&
    (existing.EphemeralStorage?.Size ?? 512) === options.ephemeralStorageMiB &&
    (options.role === undefined || existing.Role === options.role) &&
    Object.entries(variablesOf(options)).every(([name, value]) => variables[name] === value)
  );
}

// A function that is being created or updated refuses the next change with ResourceConflictException.
async function untilReady(client: LambdaClient, name: string): Promise<void> {
  const { waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2 } = await import('@aws-sdk/client-lambda');
  const wait = { client, maxWaitTime: 300, minDelay: 1, maxDelay: 5 };
  try {
    await waitUntilFunctionActiveV2(wait, { FunctionName: name });
    await waitUntilFunctionUpdatedV2(wait, { FunctionName: name });
  } catch (error) {
    throw new SluiceError('SERVICE_FAILED', `Lambda function '${name}' did not become ready: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

const REQUEST = { requestTimeout: 30_000 };
const UPLOAD = { requestTimeout: 300_000 };
