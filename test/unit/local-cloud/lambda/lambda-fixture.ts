import { CreateFunctionCommand, InvokeCommand, type InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from 'sluice/local-cloud';
import { onTestFinished } from 'vitest';

/** A zip with these files. */
export function zip(files: Readonly<Record<string, string>>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
}

/** A client of the real SDK that sends each request once. */
export function lambdaClient(cloud: LocalCloud, credentials: Credentials = credentialsOf(cloud)): LambdaClient {
  return new LambdaClient({ endpoint: cloud.endpoint, region: cloud.region, credentials, maxAttempts: 1 });
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function credentialsOf({ env }: LocalCloud): Credentials {
  return { accessKeyId: env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '' };
}

/** A cloud with a client, closed when the test ends. */
export async function cloudForTest(
  options: LocalCloudOptions = {},
): Promise<{ cloud: LocalCloud; lambda: LambdaClient }> {
  const cloud = await startLocalCloud(options);
  const lambda = lambdaClient(cloud);
  onTestFinished(async () => {
    lambda.destroy();
    await cloud.close();
  });
  return { cloud, lambda };
}

export interface Deployment {
  readonly name?: string;
  /** Text of `index.mjs`. */
  readonly source: string;
  readonly handler?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly memory?: number;
  readonly variables?: Record<string, string>;
}

export async function deploy(lambda: LambdaClient, deployment: Deployment): Promise<string> {
  const name = deployment.name ?? 'f';
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs20.x',
      Handler: deployment.handler ?? 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/any',
      Code: { ZipFile: zip({ 'index.mjs': deployment.source, ...deployment.files }) },
      Timeout: deployment.timeout ?? 10,
      MemorySize: deployment.memory ?? 256,
      Environment: { Variables: deployment.variables ?? {} },
    }),
  );
  return name;
}

export interface Answer {
  readonly value: unknown;
  readonly functionError: string | undefined;
  readonly log: string;
  readonly raw: InvokeCommandOutput;
}

/** A synchronous invocation with its log. */
export async function invoke(lambda: LambdaClient, name: string, event: unknown = {}): Promise<Answer> {
  const raw = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), LogType: 'Tail' }),
  );
  return {
    value: JSON.parse(raw.Payload?.transformToString() ?? ''),
    functionError: raw.FunctionError,
    log: Buffer.from(raw.LogResult ?? '', 'base64').toString(),
    raw,
  };
}
