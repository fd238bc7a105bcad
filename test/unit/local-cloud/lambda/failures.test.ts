import { describe, expect, test } from 'vitest';
import { cloudForTest, type Deployment, deploy, invoke } from './lambda-fixture.js';

interface Failure {
  readonly title: string;
  readonly deployment: Omit<Deployment, 'name'>;
  readonly errorType: string;
  readonly errorMessage: string | RegExp;
}

const handler = (body: string): Pick<Deployment, 'source'> => ({
  source: `export const handler = async (event) => { if (event.fine) return 'fine'; ${body} };`,
});

const FAILURES: readonly Failure[] = [
  {
    title: 'an error thrown by the handler, under its own name',
    deployment: handler(`throw new RangeError('too far')`),
    errorType: 'RangeError',
    errorMessage: 'too far',
  },
  {
    title: 'a string thrown by the handler',
    deployment: handler(`throw 'a string'`),
    errorType: 'string',
    errorMessage: 'a string',
  },
  {
    title: 'null thrown by the handler',
    deployment: handler('throw null'),
    errorType: 'object',
    errorMessage: 'null',
  },
  {
    title: 'an error thrown outside of the handler’s promise',
    deployment: handler(
      `setTimeout(() => { throw new TypeError('late') }); await new Promise((r) => setTimeout(r, 5000));`,
    ),
    errorType: 'TypeError',
    errorMessage: 'late',
  },
  {
    title: 'a rejection that nobody handles',
    deployment: handler(`Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 5000));`),
    errorType: 'Runtime.UnhandledPromiseRejection',
    errorMessage: 'Error: lost',
  },
  {
    title: 'a promise that nothing will settle',
    deployment: handler('await new Promise(() => {})'),
    errorType: 'Runtime.NodeJsExit',
    errorMessage: /promise/,
  },
  {
    title: 'a result that is no JSON',
    deployment: handler('return 1n'),
    errorType: 'Error',
    errorMessage: 'Unable to stringify response body',
  },
  {
    title: 'a handler that waits beyond the time limit',
    deployment: { ...handler('await new Promise((r) => setTimeout(r, 60_000))'), timeout: 1 },
    errorType: 'Sandbox.Timedout',
    errorMessage: /^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/,
  },
  {
    title: 'a handler that never yields',
    deployment: { ...handler('for (;;);'), timeout: 1 },
    errorType: 'Sandbox.Timedout',
    errorMessage: /Task timed out after 1\.00 seconds$/,
  },
  {
    title: 'memory above the limit',
    deployment: { ...handler('const all = []; for (;;) { all.push(Buffer.alloc(8e6, 1)); await 0; }'), memory: 128 },
    errorType: 'Runtime.ExitError',
    errorMessage: /^RequestId: \S+ Error: Runtime exited with error: signal: killed$/,
  },
  {
    title: 'memory above the limit in a process it started',
    deployment: {
      ...handler(
        `const { execFile } = await import('node:child_process'); const { promisify } = await import('node:util');
         await promisify(execFile)(process.execPath, ['-e', 'const b = Buffer.alloc(3e8, 1); setTimeout(() => b, 9000)']);`,
      ),
      memory: 256,
    },
    errorType: 'Runtime.ExitError',
    errorMessage: /signal: killed$/,
  },
  {
    title: 'a JavaScript heap that is full',
    deployment: {
      ...handler('const all = []; for (;;) all.push({ all, text: String(all.length) });'),
      memory: 400,
      timeout: 60,
    },
    errorType: 'Runtime.ExitError',
    errorMessage: /signal: (aborted|killed)$/,
  },
  {
    title: 'process.exit with a code',
    deployment: handler('process.exit(3)'),
    errorType: 'Runtime.ExitError',
    errorMessage: /Error: Runtime exited with error: exit status 3$/,
  },
  {
    title: 'process.exit without one',
    deployment: handler('process.exit()'),
    errorType: 'Runtime.ExitError',
    errorMessage: /Error: Runtime exited without providing a reason$/,
  },
  {
    title: 'an abort',
    deployment: handler('process.abort()'),
    errorType: 'Runtime.ExitError',
    errorMessage: /signal: aborted$/,
  },
];

const BROKEN: readonly Failure[] = [
  {
    title: 'a module that is not in the zip',
    deployment: { source: '', handler: 'other.handler' },
    errorType: 'Runtime.ImportModuleError',
    errorMessage: "Error: Cannot find module 'other'",
  },
  {
    title: 'an import of what is not there',
    deployment: { source: `import 'no-such-package'; export const handler = () => 1;` },
    errorType: 'Runtime.ImportModuleError',
    errorMessage: /no-such-package/,
  },
  {
    title: 'an import of a package that this project has and the zip has not',
    deployment: { source: `import 'fflate'; export const handler = () => 1;` },
    errorType: 'Runtime.ImportModuleError',
    errorMessage: /fflate/,
  },
  {
    title: 'a module without the handler',
    deployment: { source: 'export const other = 1;' },
    errorType: 'Runtime.HandlerNotFound',
    errorMessage: 'index.handler is undefined or not exported',
  },
  {
    title: 'a syntax error',
    deployment: { source: 'export const handler = (' },
    errorType: 'Runtime.UserCodeSyntaxError',
    errorMessage: /SyntaxError/,
  },
  {
    title: 'a module that throws',
    deployment: { source: `throw new URIError('at load'); export const handler = 1;` },
    errorType: 'URIError',
    errorMessage: 'at load',
  },
  {
    title: 'a module that exits',
    deployment: { source: 'process.exit(9)' },
    errorType: 'Runtime.ExitError',
    errorMessage: /exit status 9$/,
  },
];

describe('A failure of the function is told apart', () => {
  test.each(FAILURES)('$title', async ({ deployment, errorType, errorMessage }) => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, deployment);
    const failed = await invoke(lambda, 'f', {});
    expect(failed.functionError).toBe('Unhandled');
    const { errorMessage: message, ...rest } = failed.value as { errorType: string; errorMessage: string };
    expect(rest.errorType).toBe(errorType);
    expect(message).toMatch(errorMessage);
    expect(await invoke(lambda, 'f', { fine: true })).toMatchObject({ value: 'fine', functionError: undefined });
  });

  test.each(BROKEN)('$title', async ({ deployment, errorType, errorMessage }) => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, deployment);
    for (const _ of [1, 2]) {
      const failed = await invoke(lambda, 'f', {});
      expect(failed.functionError).toBe('Unhandled');
      expect(failed.value).toMatchObject({ errorType, errorMessage: expect.stringMatching(errorMessage) });
    }
  });
});
