import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REFUSED_WITHIN_MS } from '../../../../src/executors/lambda/lambda-invoker.js';
import {
  type Answer,
  echo,
  failing,
  half,
  hangingUp,
  refusing,
  type ScriptedLambda,
  scriptedLambda,
  silent,
  succeed,
} from '../../../fixtures/scripted-lambda.js';

const environment = { ...process.env };
let open: ScriptedLambda | undefined;
beforeEach(() => {
  open = undefined;
});
afterEach(async () => {
  await open?.[Symbol.asyncDispose]();
  process.env = { ...environment };
});

async function lambda(...args: Parameters<typeof scriptedLambda>): Promise<ScriptedLambda> {
  open = await scriptedLambda(...args);
  return open;
}

// Lambda's refusal, without the wait it may ask for.
const turningAway = failing(429, 'TooManyRequestsException');
const never = () => new AbortController().signal;

/** Invokes with a payload of one word, and answers with the one that came back. */
async function call(server: ScriptedLambda, word: string, priority = 0, signal = never()): Promise<string> {
  const { payload } = await server.invoker.invoke(Buffer.from(JSON.stringify(word)), { priority, signal });
  return JSON.parse(Buffer.from(payload).toString());
}

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index}`);
const wordsSeen = ({ seen }: ScriptedLambda): string[] => seen.map(({ payload }) => JSON.parse(payload));

/** Keeps responses until they are let go, one after the other. */
function holding(): { readonly answer: Answer; readonly held: (() => void)[]; releaseNext(): void } {
  const held: (() => void)[] = [];
  return {
    held,
    answer: (response, request) => void held.push(() => echo(response, request)),
    releaseNext: () => held.shift()?.(),
  };
}

describe('an answer', () => {
  test('carries payload, log tail and function error', async () => {
    const server = await lambda((response) => succeed(response, '{"a":1}', { 'x-amz-function-error': 'Unhandled' }));
    const { payload, functionError, logTail } = await server.invoker.invoke(Buffer.from('{}'), {
      priority: 0,
      signal: never(),
    });
    expect(Buffer.from(payload).toString()).toBe('{"a":1}');
    expect(functionError).toBe('Unhandled');
    expect(logTail).toBe('START\nEND\n');
    expect(server.seen[0]).toMatchObject({ path: '/2015-03-31/functions/worker/invocations' });
    expect(server.seen[0]?.headers['x-amz-log-type']).toBe('Tail');
  });
});

describe('refusals for load', () => {
  test('never reach the caller: bursts of them are waited out and everything completes', async () => {
    const working: Answer = (response, request) => void setTimeout(echo, 10, response, request);
    const server = await lambda((response, request) => (request.underWay > 3 ? refusing : working)(response, request), {
      maxConcurrency: 20,
    });
    await expect(Promise.all(words(60).map((word) => call(server, word)))).resolves.toEqual(words(60));
    expect(server.seen.length).toBeGreaterThan(60);
    expect(server.invoker.capacity).toBeLessThan(20);
  });

  test('that come without a body, or as ThrottlingException, are refusals all the same', async () => {
    const bare: Answer = (response) => void response.writeHead(429).end();
    const script = [bare, failing(400, 'ThrottlingException'), refusing];
    const server = await lambda((response, request) => (script.shift() ?? echo)(response, request));
    await expect(call(server, 'x')).resolves.toBe('x');
    expect(server.seen).toHaveLength(4);
  });

  test('are not asked again before their Retry-After is over', async () => {
    const script = [refusing];
    const server = await lambda((response, request) => (script.shift() ?? echo)(response, request));
    const startedMs = performance.now();
    await expect(call(server, 'x')).resolves.toBe('x');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1000);
    expect(server.seen).toHaveLength(2);
  });

  test('for longer than the deadline, with none getting through, are THROTTLED', async () => {
    const server = await lambda(turningAway, { throttleDeadlineMs: 200 });
    await expect(call(server, 'x')).rejects.toMatchObject({
      code: 'THROTTLED',
      class: 'infrastructure',
      message: expect.stringMatching(/^Lambda function 'worker' refused every invocation for .* s: raise its reserved/),
    });
    expect(server.seen.length).toBeGreaterThan(2);
  });

  test('are waited out beyond the deadline while others get through', async () => {
    const startedMs = Date.now();
    const server = await lambda(
      (response, request) => {
        const lucky = request.payload.includes('other') || Date.now() - startedMs > 600;
        (lucky ? echo : refusing)(response, request);
      },
      { throttleDeadlineMs: 200 },
    );
    const unlucky = call(server, 'x');
    while (Date.now() - startedMs < 600) await call(server, 'other');
    await expect(unlucky).resolves.toBe('x');
  });
});

describe('at most maxConcurrency invocations', () => {
  test('are under way, however many are asked for in one go', async () => {
    const server = await lambda(echo, { maxConcurrency: 4 });
    await Promise.all(words(50).map((word) => call(server, word)));
    expect(Math.max(...server.seen.map(({ underWay }) => underWay))).toBeLessThanOrEqual(4);
  });

  test('and no more than 64 at first: more follow once these have not been refused, answered or not', async () => {
    const { answer, held } = holding();
    const server = await lambda(answer, { maxConcurrency: 150 });
    const startedMs = performance.now();
    const all = Promise.all(words(150).map((word) => call(server, word)));
    await server.arrived(65);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(REFUSED_WITHIN_MS);
    await server.arrived(150);
    for (let answered = 0; answered < 150; answered++) held.shift()?.();
    await all;
  });

  test('have sockets, which are kept and used again', async () => {
    const { answer, held } = holding();
    const server = await lambda(answer, { maxConcurrency: 4 });
    const all = Promise.all(words(20).map((word) => call(server, word)));
    await server.arrived(4);
    expect(server.connections).toMatchObject({ made: 4, most: 4 });
    for (let answered = 0; answered < 20; answered++) {
      await server.arrived(Math.min(20, answered + 4));
      held.shift()?.();
    }
    await all;
    const later = call(server, 'later');
    await server.arrived(21);
    held.shift()?.();
    await later;
    expect(server.connections).toMatchObject({ made: 4, most: 4 });
  });

  test('beside the first, the lowest priority number goes first, and equals in the order they came', async () => {
    const { answer, releaseNext } = holding();
    const server = await lambda(answer, { maxConcurrency: 1 });
    const all = [call(server, 'first')];
    await server.arrived(1);
    const queued = [
      ['late', 5],
      ['normal 1', 0],
      ['urgent', -1],
      ['normal 2', 0],
    ] as const;
    for (const [word, priority] of queued) all.push(call(server, word, priority));
    for (let count = 1; count <= 5; count++) {
      await server.arrived(count);
      releaseNext();
    }
    await Promise.all(all);
    expect(wordsSeen(server)).toEqual(['first', 'urgent', 'normal 1', 'normal 2', 'late']);
  });
});

describe('an abort', () => {
  const REASON = new Error('no longer wanted');

  test('that came before sends nothing', async () => {
    const server = await lambda(echo);
    await expect(call(server, 'x', 0, AbortSignal.abort(REASON))).rejects.toBe(REASON);
    expect(server.seen).toHaveLength(0);
  });

  test('while queued takes it out of the queue, and the next one moves up', async () => {
    const { answer, releaseNext } = holding();
    const server = await lambda(answer, { maxConcurrency: 1 });
    const stop = new AbortController();
    const first = call(server, 'first');
    const second = call(server, 'second', 0, stop.signal);
    const third = call(server, 'third');
    await server.arrived(1);
    stop.abort(REASON);
    await expect(second).rejects.toBe(REASON);
    releaseNext();
    await server.arrived(2);
    releaseNext();
    await expect(Promise.all([first, third])).resolves.toEqual(['first', 'third']);
    expect(wordsSeen(server)).toEqual(['first', 'third']);
  });

  test('while backing off ends the wait, and no request follows', async () => {
    const stop = new AbortController();
    const server = await lambda(turningAway);
    const refused = call(server, 'x', 0, stop.signal);
    await server.arrived(3);
    stop.abort(REASON);
    await expect(refused).rejects.toBe(REASON);
    const sent = server.seen.length;
    // What must not come has no event of its own; the wait would have ended within 200 ms.
    await sleep(250);
    expect(server.seen).toHaveLength(sent);
  });

  test('while in flight rejects at once and gives the place to the next', async () => {
    const stop = new AbortController();
    const server = await lambda(
      (response, request) => (request.payload.includes('x') ? silent : echo)(response, request),
      {
        maxConcurrency: 1,
      },
    );
    const first = call(server, 'x', 0, stop.signal);
    const second = call(server, 'second');
    await server.arrived(1);
    stop.abort(REASON);
    await expect(first).rejects.toBe(REASON);
    await expect(second).resolves.toBe('second');
  });
});

describe('requests that fail', () => {
  test.each<[string, Answer, string, string, RegExp]>([
    ['500', failing(500, 'ServiceException'), 'SERVICE_FAILED', 'infrastructure', /ServiceException: said/],
    ['502', failing(502, 'EC2ThrottledException'), 'SERVICE_FAILED', 'infrastructure', /EC2ThrottledException/],
    ['a reset connection', hangingUp, 'SERVICE_FAILED', 'infrastructure', /ended the connection|ECONNRESET/],
    [
      'half a response',
      half,
      'SERVICE_FAILED',
      'infrastructure',
      /invoking Lambda function 'worker' failed \(.*(ended the connection|ECONNRESET)/,
    ],
    ['409', failing(409, 'ResourceConflictException'), 'SERVICE_FAILED', 'infrastructure', /ResourceConflictException/],
    ['403', failing(403, 'AccessDeniedException'), 'ACCESS_DENIED', 'usage', /check the AWS keys, the region/],
    ['an expired token', failing(400, 'ExpiredTokenException'), 'ACCESS_DENIED', 'usage', /ExpiredTokenException/],
    [
      '404',
      failing(404, 'ResourceNotFoundException'),
      'FUNCTION_NOT_DEPLOYED',
      'usage',
      /sluice deploy lambda --function worker/,
    ],
    ['413', failing(413, 'RequestTooLargeException'), 'NOT_SENDABLE', 'usage', /6 MB: give LambdaExecutor a bucket/],
    ['a 413 without a name', (response) => void response.writeHead(413).end(), 'NOT_SENDABLE', 'usage', /6 MB/],
    [
      'another 400',
      failing(400, 'InvalidRequestContentException'),
      'INVALID_OPTIONS',
      'usage',
      /InvalidRequestContent/,
    ],
  ])('by %s are sent once, and told as what they are', async (_, answer, code, errorClass, message) => {
    const server = await lambda(answer);
    await expect(call(server, 'x')).rejects.toMatchObject({
      code,
      class: errorClass,
      message: expect.stringMatching(message),
    });
    expect(server.seen).toHaveLength(1);
  });

  test('give their place back', async () => {
    const script = [hangingUp, hangingUp];
    const server = await lambda((response, request) => (script.shift() ?? echo)(response, request), {
      maxConcurrency: 1,
    });
    const ended = await Promise.allSettled(words(3).map((word) => call(server, word)));
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  test('without an answer in time are given up', async () => {
    const server = await lambda(silent, { answerMs: 400 });
    const sentMs = performance.now();
    await expect(call(server, 'x')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringMatching(/no answer within 0.4 s/),
    });
    expect(performance.now() - sentMs).toBeLessThan(5_000);
  });

  test('with no server there say where they went', async () => {
    const server = await lambda(echo);
    const address = process.env.AWS_ENDPOINT_URL?.replace('http://', '');
    await server.hangUp();
    await expect(call(server, 'x')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringContaining(`ECONNREFUSED ${address}`),
    });
  });
});

test('an answer that the function took long over arrives', async () => {
  const late: { response?: ServerResponse } = {};
  const server = await lambda((response) => {
    late.response = response;
  });
  const answer = call(server, 'x');
  await server.arrived(1);
  if (late.response !== undefined) succeed(late.response, '"late"');
  await expect(answer).resolves.toBe('late');
});
