import { InvokeCommand, type InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { sha256, signed } from '../../../src/http/aws-signature.js';

interface SdkRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** The request that the SDK makes and signs, unsent. */
async function signedBySdk(functionName: string, payload: string, sessionToken?: string): Promise<SdkRequest> {
  const credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'very-secret',
    ...(sessionToken && { sessionToken }),
  };
  const client = new LambdaClient({ region: 'eu-west-3', credentials });
  const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(payload), LogType: 'Tail' });
  let seen: SdkRequest | undefined;
  command.middlewareStack.add(
    () =>
      async ({ request }) => {
        seen = request as SdkRequest;
        return { response: {}, output: { $metadata: {} } as InvokeCommandOutput };
      },
    { step: 'deserialize', priority: 'high' },
  );
  await client.send(command);
  return seen as SdkRequest;
}

test.each([
  ['a name', 'worker', undefined],
  ['an ARN, whose colons are encoded', 'arn:aws:lambda:eu-west-3:123456789012:function:worker:prod', undefined],
  ['a session token', 'worker', 'a-token/with+signs='],
])('an invocation is signed as the SDK signs it: by %s', async (_, functionName, sessionToken) => {
  const payload = '{"x":"ünïcødé"}';
  const { path, headers } = await signedBySdk(functionName, payload, sessionToken);
  const { authorization = '', 'x-amz-date': date = '' } = headers;
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
  const added = ['x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'];
  const own = names.filter((name) => !added.includes(name)).map((name) => [name, headers[name] as string]);
  const time = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const ours = signed(
    { method: 'POST', path, headers: Object.fromEntries(own), payloadHash: sha256(Buffer.from(payload)) },
    {
      region: 'eu-west-3',
      service: 'lambda',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'very-secret', sessionToken },
    },
    new Date(time),
  );
  expect(ours.authorization).toBe(authorization);
  expect(ours['x-amz-date']).toBe(date);
});
