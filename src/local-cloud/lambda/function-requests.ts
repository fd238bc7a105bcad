import * as z from 'zod';
import type { FunctionSettings } from './function-record.js';
import { LambdaError } from './lambda-error.js';
import { parseRequestBody } from './request-body.js';

/** A parsed CreateFunction request. */
export interface CreateFunctionRequest {
  readonly name: string;
  readonly zip: Buffer;
  readonly settings: FunctionSettings;
  readonly tags: Readonly<Record<string, string>>;
}

/** A parsed UpdateFunctionCode request; `dryRun` checks only. */
export interface UpdateCodeRequest {
  readonly zip: Buffer;
  readonly dryRun: boolean;
  readonly revisionId?: string;
}

/** A parsed UpdateFunctionConfiguration request: only what is to change. */
export interface UpdateSettingsRequest {
  readonly changes: Partial<FunctionSettings>;
  readonly revisionId?: string;
}

const RUNTIMES = ['nodejs20.x', 'nodejs22.x', 'nodejs24.x'] as const;

// Ranges: AWS Lambda API Reference, CreateFunction and UpdateFunctionConfiguration.
const settingsSchema = z.object({
  Runtime: z.enum(RUNTIMES).optional(),
  Handler: z.string().min(1).max(128).regex(/^\S+$/).optional(),
  Role: z.string().min(1).optional(),
  Description: z.string().max(256).optional(),
  Timeout: z.int().min(1).max(900).optional(),
  MemorySize: z.int().min(128).max(10_240).optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()).optional() }).optional(),
  EphemeralStorage: z.object({ Size: z.int().min(512).max(10_240) }).optional(),
  // What would change how the code runs, and is not played here, is refused; the rest of the API's members is ignored.
  Layers: z.array(z.unknown()).max(0, 'local-cloud has no layers: put the code into the zip').optional(),
  Publish: z.literal(false, 'local-cloud keeps $LATEST only').optional(),
  PackageType: z.literal('Zip', 'local-cloud runs zip files only').optional(),
  RevisionId: z.string().optional(),
});
const zipSchema = z.base64('a zip file in base64 is needed: local-cloud reads no code from S3 or images');
const createSchema = settingsSchema.extend({
  FunctionName: z.string().min(1).max(170),
  Runtime: z.enum(RUNTIMES),
  Handler: z.string().min(1).max(128).regex(/^\S+$/),
  Role: z.string().min(1),
  Code: z.object({ ZipFile: zipSchema }),
  Tags: z.record(z.string(), z.string()).default({}),
});
const updateCodeSchema = settingsSchema
  .pick({ Publish: true, RevisionId: true })
  .extend({ ZipFile: zipSchema, DryRun: z.boolean().default(false) });

/** @throws {LambdaError} `InvalidParameterValueException`, naming every member that does not fit. */
export function parseCreateFunction(body: Buffer): CreateFunctionRequest {
  const request = parseRequestBody(createSchema, body);
  return {
    name: request.FunctionName,
    zip: Buffer.from(request.Code.ZipFile, 'base64'),
    // Defaults: AWS Lambda API Reference, CreateFunction.
    settings: {
      runtime: request.Runtime,
      handler: request.Handler,
      role: request.Role,
      description: '',
      timeoutSeconds: 3,
      memoryMb: 128,
      ephemeralStorageMb: 512,
      environment: {},
      ...settingsIn(request),
    },
    tags: request.Tags,
  };
}

/** @throws {LambdaError} `InvalidParameterValueException` */
export function parseUpdateCode(body: Buffer): UpdateCodeRequest {
  const { ZipFile, DryRun, RevisionId } = parseRequestBody(updateCodeSchema, body);
  return { zip: Buffer.from(ZipFile, 'base64'), dryRun: DryRun, ...(RevisionId && { revisionId: RevisionId }) };
}

/** @throws {LambdaError} `InvalidParameterValueException`, naming every member that does not fit. */
export function parseUpdateSettings(body: Buffer): UpdateSettingsRequest {
  const request = parseRequestBody(settingsSchema, body);
  return { changes: settingsIn(request), ...(request.RevisionId && { revisionId: request.RevisionId }) };
}

function settingsIn(request: z.infer<typeof settingsSchema>): Partial<FunctionSettings> {
  const given: { readonly [K in keyof FunctionSettings]: FunctionSettings[K] | undefined } = {
    runtime: request.Runtime,
    handler: request.Handler,
    role: request.Role,
    description: request.Description,
    timeoutSeconds: request.Timeout,
    memoryMb: request.MemorySize,
    ephemeralStorageMb: request.EphemeralStorage?.Size,
    environment: request.Environment === undefined ? undefined : checkedVariables(request.Environment.Variables ?? {}),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

// AWS Lambda Developer Guide, "Defined runtime environment variables" (reserved) and "Lambda quotas" (4 KB).
const RESERVED =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_(FUNCTION_(NAME|MEMORY_SIZE|VERSION)|INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/;
const MAX_VARIABLES_BYTES = 4096;

function checkedVariables(variables: Record<string, string>): Record<string, string> {
  const names = Object.keys(variables);
  const prefix = 'Lambda was unable to configure your environment variables because the environment variables you have';
  const reserved = names.filter((name) => RESERVED.test(name));
  if (reserved.length > 0) {
    throw new LambdaError(
      'InvalidParameterValueException',
      `${prefix} provided contains reserved keys that are currently not supported for modification. ` +
        `Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  const odd = names.filter((name) => !/^[a-zA-Z]\w+$/.test(name));
  if (odd.length > 0) {
    throw new LambdaError('InvalidParameterValueException', `environment variable names do not fit: ${odd.join(', ')}`);
  }
  if (Buffer.byteLength(JSON.stringify(variables)) > MAX_VARIABLES_BYTES) {
    throw new LambdaError('InvalidParameterValueException', `${prefix} provided exceeded the 4KB limit.`);
  }
  return variables;
}
