import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLambdaClient } from '../../../../src/executors/lambda/lambda-client.js';
import { openLambdaWire } from '../../../../src/executors/lambda/lambda-wire.js';
import { echo, failing, type ScriptedLambda, scriptedLambda } from '../../../fixtures/scripted-lambda.js';

const environment = { ...process.env };
const opened: ScriptedLambda[] = [];
beforeEach(() => {
  delete process.env.AWS_SESSION_TOKEN;
});
afterEach(async () => {
  for (const server of opened.splice(0)) await server[Symbol.asyncDispose]();
  process.env = { ...environment };
});

async function lambda(...args: Parameters<typeof scriptedLambda>): Promise<ScriptedLambda> {
  const server = await scriptedLambda(...args);
  opened.push(server);
  return server;
}

const invoke = ({ invoker }: ScriptedLambda) =>
  invoker.invoke(Buffer.from('"x"'), { priority: 0, signal: new AbortController().signal });

test('an invocation asks for the log, and is signed for Lambda, its region and its payload', async () => {
  const server = await lambda(echo);
  await invoke(server);
  const [{ path, headers }] = server.seen as [(typeof server.seen)[0]];
  expect(path).toBe('/2015-03-31/functions/worker/invocations');
  expect(headers).toMatchObject({
    'x-amz-log-type': 'Tail',
    'x-amz-content-sha256': 'ba2df4903a2c14e86dc3bcca58911b44ac1d2514b7227bf6eb08cfb978f55a1b',
    authorization: expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/lambda\/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-log-type, Signature=[0-9a-f]{64}$/,
    ),
  });
});

test('a clock that is wrong is put right by the answer that refuses it', async () => {
  const hourMs = 3_600_000;
  let refused = 0;
  const server = await lambda((response, request) => {
    const text = String(request.headers['x-amz-date']);
    const sent = Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    const serverMs = Date.now() + hourMs;
    response.setHeader('date', new Date(serverMs).toUTCString());
    if (Math.abs(sent - serverMs) < 5 * 60_000) return echo(response, request);
    refused += 1;
    failing(403, 'InvalidSignatureException', 'Signature expired')(response, request);
  });
  await expect(invoke(server)).resolves.toMatchObject({ payload: Buffer.from('"x"') });
  await invoke(server);
  expect(refused).toBe(1);
});

test('a refusal that is not about the clock is not sent again', async () => {
  const server = await lambda(failing(403, 'AccessDeniedException'));
  await expect(invoke(server)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  expect(server.seen).toHaveLength(1);
});

test('without a region the error says what to set', async () => {
  process.env.AWS_CONFIG_FILE = '/dev/null';
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) delete process.env[name];
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'very-secret' });
  const client = await createLambdaClient({ maxSockets: 1 });
  await expect(
    openLambdaWire(client, { functionName: 'worker', maxSockets: 1, answerMs: 1_000 }),
  ).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining('AWS_REGION'),
  });
});
