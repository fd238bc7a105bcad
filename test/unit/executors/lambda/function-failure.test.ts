import { describe, expect, test } from 'vitest';
import { functionFailure, parseFailure } from '../../../../src/executors/lambda/function-failure.js';
import type { TaskEnvelope } from '../../../../src/wire/task-envelope.js';

const envelope = { taskId: 7, app: { name: 'count' } } as TaskEnvelope;
const fn = { name: 'worker', timeoutSeconds: 30, memoryMiB: 512 };
const TASK = "task 7 'count' on Lambda function 'worker'";
const ID = '8f5dd7a1-0000-4b5e-9a39-0123456789ab';
const ENDED = `RequestId: ${ID} Error: `;

function logTail(options: { readonly wrote?: string; readonly usedMiB?: number } = {}): string {
  const { wrote = '', usedMiB = 90 } = options;
  return [
    `START RequestId: ${ID} Version: $LATEST`,
    wrote,
    `{"errorType":"Runtime.ExitError","errorMessage":"${ENDED}Runtime exited with error: signal: killed"}`,
    `END RequestId: ${ID}`,
    `REPORT RequestId: ${ID}\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 512 MB\tMax Memory Used: ${usedMiB} MB\t`,
    '',
  ].join('\n');
}

const failure = (errorType: string, errorMessage: string, log = logTail()) =>
  functionFailure({ errorType, errorMessage }, { envelope, fn, logTail: log });
const exited = (how: string, log?: string) => failure('Runtime.ExitError', `${ENDED}Runtime exited ${how}`, log);
const killed = (log: string) => exited('with error: signal: killed', log);

describe('functionFailure', () => {
  test.each([
    ['Sandbox.Timedout', `${ENDED}Task timed out after 30.00 seconds`],
    ['Unhandled', '2026-01-01T00:00:00.000Z 8f5dd7a1 Task timed out after 30.00 seconds'],
  ])('%s is WALLTIME', (errorType, errorMessage) => {
    expect(failure(errorType, errorMessage)).toMatchObject({
      code: 'WALLTIME',
      class: 'app',
      message: `${TASK} ran longer than the function's timeout of 30 s: deploy it with more (sluice deploy lambda --timeout), or give the task less to do`,
    });
  });

  test.each([
    ['killed with its memory used up', killed(logTail({ usedMiB: 512 }))],
    ['killed close to its limit', killed(logTail({ usedMiB: 490 }))],
    ['said so itself', failure('Runtime.OutOfMemory', `${ENDED}whatever`)],
    [
      "aborted by V8's heap limit",
      exited('with error: signal: aborted', logTail({ wrote: 'FATAL ERROR: JavaScript heap out of memory' })),
    ],
  ])('an environment that was %s is OUT_OF_MEMORY', (_, error) => {
    expect(error).toMatchObject({
      code: 'OUT_OF_MEMORY',
      class: 'app',
      message: `${TASK} used more than the function's 512 MiB: deploy it with more (sluice deploy lambda --memory), or give the task less to hold`,
    });
  });

  test.each([
    ['at half of its memory', logTail({ usedMiB: 256 })],
    ['with no report', ''],
  ])('an environment killed %s is WORKER_LOST, class infrastructure', (_, log) => {
    expect(killed(log)).toMatchObject({
      code: 'WORKER_LOST',
      class: 'infrastructure',
      message: `${TASK}: its environment was killed (Runtime.ExitError: ${ENDED}Runtime exited with error: signal: killed)`,
    });
  });

  test.each([
    ['process.exit(0)', 'Runtime.ExitError', `${ENDED}Runtime exited without providing a reason`],
    ['process.exit(3)', 'Runtime.ExitError', `${ENDED}Runtime exited with error: exit status 3`],
    ['a crash', 'Runtime.ExitError', `${ENDED}Runtime exited with error: signal: segmentation fault`],
    ['a rejection nobody caught', 'Runtime.UnhandledPromiseRejection', 'Error: nobody waits for me'],
    ['an error nobody caught', 'TypeError', 'x is not a function'],
    ['an error of a class of its own that nobody caught', 'BrokenPipe', 'gone'],
    ['a promise that nothing settles', 'Runtime.NodeJsExit', 'nothing will ever settle'],
  ])('%s is TASK_EXITED, class app', (_, errorType, errorMessage) => {
    expect(failure(errorType, errorMessage)).toMatchObject({
      code: 'TASK_EXITED',
      class: 'app',
      message: `${TASK} ended its worker (${errorType}: ${errorMessage}): return or throw instead of process.exit, and leave no error uncaught`,
    });
  });

  test('what the task wrote last is told, less the lines of the platform', () => {
    const wrote = ['one', 'two', 'START of something', '{"errorType":"mine"}', '', 'five', 'six'].join('\n');
    const error = exited('with error: exit status 3', logTail({ wrote }));
    expect(error.message.split('; it wrote last:\n')[1]).toBe(
      'two\nSTART of something\n{"errorType":"mine"}\nfive\nsix',
    );
  });

  test.each(['Runtime.ImportModuleError', 'Runtime.HandlerNotFound', 'Runtime.UserCodeSyntaxError'])(
    '%s is VERSION_MISMATCH: what is deployed is no worker',
    (errorType) => {
      expect(failure(errorType, "Error: Cannot find module 'index'")).toMatchObject({
        code: 'VERSION_MISMATCH',
        class: 'usage',
        message: `Lambda function 'worker' cannot load its worker (${errorType}: Error: Cannot find module 'index'): run sluice deploy lambda again`,
      });
    },
  );

  test('a response above 6 MB is NOT_SENDABLE', () => {
    expect(failure('Function.ResponseSizeTooLarge', 'Response payload size exceeded')).toMatchObject({
      code: 'NOT_SENDABLE',
      class: 'usage',
      message: `${TASK} returned more than Lambda's 6 MB: give LambdaExecutor a bucket`,
    });
  });

  test.each(['SluiceError', 'Unhandled', 'Extension.Crash'])(
    "%s is the worker's own failure: PROTOCOL",
    (errorType) => {
      expect(failure(errorType, 'said so')).toMatchObject({
        code: 'PROTOCOL',
        class: 'infrastructure',
        message: `${TASK}: the worker failed (${errorType}: said so)`,
      });
    },
  );
});

describe('parseFailure', () => {
  const parse = (text: string) => parseFailure(Buffer.from(text), 'Unhandled');

  test('reads type and message', () => {
    expect(parse('{"errorType":"TypeError","errorMessage":"no","trace":[]}')).toEqual({
      errorType: 'TypeError',
      errorMessage: 'no',
    });
  });

  test.each([
    ['nothing', '', ''],
    ['null', 'null', 'null'],
    ['half a document', '{"errorType":', '{"errorType":'],
    ['other members', '{"message":"x"}', ''],
  ])('%s is a failure without a type', (_, text, errorMessage) => {
    expect(parse(text)).toEqual({ errorType: 'Unhandled', errorMessage });
  });
});
