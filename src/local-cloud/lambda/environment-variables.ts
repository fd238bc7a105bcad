import { dirname } from 'node:path';
import type { FunctionRecord } from './function-record.js';

/** What the variables of an environment are made of. */
export interface EnvironmentPlace {
  readonly environmentId: string;
  readonly taskRoot: string;
  /** Folder that stands for `/tmp`: private, and removed with the environment. */
  readonly tmpFolder: string;
  /** `host:port` of the environment's Runtime API. */
  readonly runtimeApi: string;
  readonly region: string;
  /** The variables by which SDKs inside the function find local-cloud. */
  readonly cloudVariables: Readonly<Record<string, string>>;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/**
 * The whole environment of a function's process: the documented variables of Lambda (AWS Lambda Developer Guide,
 * "Defined runtime environment variables"), the function's own, and what leads its SDKs to local-cloud. Of this
 * process's own environment only NODE_EXTRA_CA_CERTS is passed on.
 */
export function environmentVariables(record: FunctionRecord, place: EnvironmentPlace): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS } = process.env;
  return {
    ...(NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS }),
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/opt/bin`,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    HOME: place.tmpFolder,
    TMPDIR: place.tmpFolder,
    ...place.cloudVariables,
    ...record.settings.environment,
    _HANDLER: record.settings.handler,
    LAMBDA_TASK_ROOT: place.taskRoot,
    AWS_LAMBDA_RUNTIME_API: place.runtimeApi,
    AWS_LAMBDA_FUNCTION_NAME: record.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(record.settings.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${record.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${place.environmentId}`,
    AWS_EXECUTION_ENV: `AWS_Lambda_${record.settings.runtime}`,
    AWS_REGION: place.region,
    AWS_DEFAULT_REGION: place.region,
    AWS_ACCESS_KEY_ID: place.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: place.credentials.secretAccessKey,
  };
}
