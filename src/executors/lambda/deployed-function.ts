import type { FunctionConfiguration, LambdaClient } from '@aws-sdk/client-lambda';
import { SluiceError } from '../../errors.js';
import { VERSION } from '../../version.js';
import { WIRE_VERSION } from '../../wire/task-envelope.js';
import { lambdaFailure } from './lambda-failure.js';

/** The function that tasks run in, as its deployment made it. */
export interface DeployedFunction {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly memoryMiB: number;
}

/** Environment variables by which a deployment says what it deployed. */
export const DEPLOYED_VERSION = 'SLUICE_VERSION';
export const DEPLOYED_WIRE_VERSION = 'SLUICE_WIRE_VERSION';

/**
 * Asks Lambda about the function, and makes sure that it is a worker of this version.
 *
 * @throws {SluiceError} `FUNCTION_NOT_DEPLOYED`, `VERSION_MISMATCH`, `ACCESS_DENIED`, `SERVICE_FAILED`
 */
export async function findDeployedFunction(client: LambdaClient, name: string): Promise<DeployedFunction> {
  const Configuration = await getConfiguration(client, name);
  const variables = Configuration?.Environment?.Variables ?? {};
  const version = variables[DEPLOYED_VERSION];
  if (version !== VERSION || variables[DEPLOYED_WIRE_VERSION] !== String(WIRE_VERSION)) {
    throw new SluiceError('VERSION_MISMATCH', `Lambda function '${name}' ${mismatch(name, version, variables)}`);
  }
  return { name, timeoutSeconds: Configuration?.Timeout ?? 3, memoryMiB: Configuration?.MemorySize ?? 128 };
}

async function getConfiguration(client: LambdaClient, name: string): Promise<FunctionConfiguration | undefined> {
  const { GetFunctionCommand } = await import('@aws-sdk/client-lambda');
  try {
    const found = await client.send(new GetFunctionCommand({ FunctionName: name }), { requestTimeout: 30_000 });
    return found.Configuration;
  } catch (error) {
    throw lambdaFailure(error, { functionName: name, doing: 'asking for' });
  }
}

function mismatch(name: string, version: string | undefined, variables: Readonly<Record<string, string>>): string {
  if (version === undefined) return 'is no worker of sluice: give the name of one (functionName), or deploy one';
  const wire = variables[DEPLOYED_WIRE_VERSION];
  return `runs sluice ${version} (wire ${wire}); this client is ${VERSION} (wire ${WIRE_VERSION}): run sluice deploy lambda --function ${name}`;
}
