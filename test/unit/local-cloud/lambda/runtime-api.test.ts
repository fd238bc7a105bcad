import { describe, expect, onTestFinished, test } from 'vitest';
import { type RuntimeAnswer, startRuntimeApi } from '../../../../src/local-cloud/lambda/runtime-api.js';

// The protocol request by request: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
const INVOCATION = {
  requestId: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
  functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
  traceId: 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0',
  clientContext: undefined,
  payload: Buffer.from('{"a":"ä"}'),
  timeoutMs: 3_000,
};

/** The API with what its listener heard, and the simplest client there is. */
async function runtimeApi() {
  const heard: (string | RuntimeAnswer)[] = [];
  const api = await startRuntimeApi({
    onReady: () => heard.push('ready'),
    onTaken: () => heard.push('taken'),
    onInitError: (body) => heard.push(`init error ${body}`),
    onAnswer: (answer) => heard.push(answer),
  });
  onTestFinished(() => api.close());
  const url = `http://${api.address}/2018-06-01/runtime`;
  const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { method: 'POST', body: body as string, headers });
  return { api, heard, post, next: () => fetch(`${url}/invocation/next`) };
}

describe('next', () => {
  test('waits for an invocation, and hands it out with its headers', async () => {
    const { api, heard, next } = await runtimeApi();
    const polled = next();
    await expect.poll(() => heard).toEqual(['ready']);
    const before = Date.now();
    api.offer(INVOCATION);
    const answer = await polled;
    expect(heard).toEqual(['ready', 'taken']);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('{"a":"ä"}');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': INVOCATION.requestId,
      'lambda-runtime-invoked-function-arn': INVOCATION.functionArn,
      'lambda-runtime-trace-id': INVOCATION.traceId,
    });
    expect(answer.headers.has('lambda-runtime-client-context')).toBe(false);
    const deadlineMs = Number(answer.headers.get('lambda-runtime-deadline-ms'));
    expect(deadlineMs).toBeGreaterThanOrEqual(before + 3_000);
    expect(deadlineMs).toBeLessThanOrEqual(Date.now() + 3_000);
  });

  test('hands out at once what was offered before it, with its client context', async () => {
    const { api, heard, next } = await runtimeApi();
    api.offer({ ...INVOCATION, clientContext: '{"custom":{}}' });
    expect(heard).toEqual([]);
    expect((await next()).headers.get('lambda-runtime-client-context')).toBe('{"custom":{}}');
    expect(heard).toEqual(['ready', 'taken']);
  });
});

describe('an answer', () => {
  const taken = async () => {
    const parts = await runtimeApi();
    parts.api.offer(INVOCATION);
    await (await parts.next()).arrayBuffer();
    parts.heard.length = 0;
    return parts;
  };
  const path = (what: string) => `/invocation/${INVOCATION.requestId}/${what}`;

  test('of the function is accepted, with the bytes it has', async () => {
    const { heard, post } = await taken();
    const accepted = await post(path('response'), '"é"');
    expect([accepted.status, await accepted.json()]).toEqual([202, { status: 'OK' }]);
    expect(heard).toEqual([{ kind: 'response', body: Buffer.from('"é"') }]);
  });

  test('that is an error is accepted, whatever its type in the header', async () => {
    const { heard, post } = await taken();
    const report = JSON.stringify({ errorType: 'MyError', errorMessage: 'mine', stackTrace: [] });
    const accepted = await post(path('error'), report, { 'lambda-runtime-function-error-type': 'Unhandled' });
    expect(accepted.status).toBe(202);
    expect(heard).toEqual([{ kind: 'error', body: Buffer.from(report) }]);
  });

  test('above 6 MB is 413, and one of just that size is not', async () => {
    const first = await taken();
    expect((await first.post(path('response'), Buffer.alloc(6_291_556, 'x'))).status).toBe(202);
    const second = await taken();
    expect((await second.post(path('response'), Buffer.alloc(6_291_557, 'x'))).status).toBe(413);
    expect(second.heard).toEqual([{ kind: 'tooLarge' }]);
  });

  test('to another invocation, or for the second time, is 400', async () => {
    const { heard, post } = await taken();
    const wrong = await post('/invocation/another/response', '1');
    expect([wrong.status, await wrong.json()]).toEqual([
      400,
      { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' },
    ]);
    await post(path('response'), '1');
    expect((await post(path('response'), '2')).status).toBe(400);
    expect(heard).toHaveLength(1);
  });
});

test('an error of the init is accepted, before any invocation', async () => {
  const { heard, post } = await runtimeApi();
  expect((await post('/init/error', '{"errorType":"Runtime.NoSuchHandler"}')).status).toBe(202);
  expect(heard).toEqual(['init error {"errorType":"Runtime.NoSuchHandler"}']);
});
