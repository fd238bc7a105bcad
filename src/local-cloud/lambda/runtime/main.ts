/**
 * The main of an execution environment: loads the function's handler and runs one invocation after the other, which
 * it gets from the Runtime API at `AWS_LAMBDA_RUNTIME_API`, like AWS's own Node.js runtime does.
 *
 * Two things differ. Console output carries no time stamp and request id before each line; handlers answer by what
 * they return, never by a callback (the Node.js 24 runtime refuses callbacks as well).
 */
import { Console } from 'node:console';
import { createContext } from './context.js';
import { type ErrorReport, errorReportOf, RuntimeError } from './error-report.js';
import { flushOutput } from './flush-output.js';
import { type Handler, loadHandler } from './load-handler.js';
import { createRuntimeClient, type Invocation } from './runtime-client.js';

type HandlerEnd =
  | { readonly kind: 'value'; readonly body: string }
  | { readonly kind: 'error'; readonly report: ErrorReport };

const client = createRuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API ?? '');
let inFlight: string | undefined;

/** Ends this process and what it started once nobody holds the other end of stdin any more. */
function dieWithParent(): void {
  process.stdin.on('error', ignore).on('close', () => {
    try {
      process.kill(-process.pid, 'SIGKILL');
    } finally {
      process.exit(1);
    }
  });
  process.stdin.resume();
  // A handler that waits for nothing must still be noticed: the watch keeps no event loop alive.
  process.stdin.unref?.();
}

/** Uncaught errors answer the running invocation and end the environment, with the exit codes of AWS's runtime. */
function reportUncaught(): void {
  const end = async (error: unknown, exitCode: number): Promise<never> => {
    if (inFlight !== undefined) {
      const report: HandlerEnd = { kind: 'error', report: errorReportOf(error) };
      await log(report);
      await answer(inFlight, report).catch(ignore);
    }
    process.exit(exitCode);
  };
  process.on('uncaughtException', (error) => void end(error, 129));
  process.on('unhandledRejection', (reason) => {
    void end(new RuntimeError('Runtime.UnhandledPromiseRejection', String(reason), reason), 128);
  });
}

async function main(): Promise<void> {
  let handler: Handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT ?? '', process.env._HANDLER ?? '');
  } catch (error) {
    const report = logged(errorReportOf(error));
    await flushOutput();
    await client.failInit(report);
    process.exit(1);
  }
  reportUncaught();
  for (let invocation = await client.next(); ; ) {
    inFlight = invocation.requestId;
    process.env._X_AMZN_TRACE_ID = invocation.traceId;
    const end = await run(handler, invocation);
    inFlight = undefined;
    await log(end);
    // The answer and the call for the next one travel together.
    [, invocation] = await Promise.all([answer(invocation.requestId, end), client.next()]);
  }
}

/** What was logged before goes out before the answer, so that the caller's log is whole. */
async function log(end: HandlerEnd): Promise<void> {
  if (end.kind === 'error') logged(end.report);
  await flushOutput();
}

function answer(requestId: string, end: HandlerEnd): Promise<void> {
  return end.kind === 'value' ? client.respond(requestId, end.body) : client.fail(requestId, end.report);
}

async function run(handler: Handler, invocation: Invocation): Promise<HandlerEnd> {
  const loopEmptied = whenLoopEmpties(handler);
  try {
    const returned = (async () => handler(invocation.event, createContext(invocation, process.env)))();
    return { kind: 'value', body: serialize(await Promise.race([returned, loopEmptied.promise])) };
  } catch (error) {
    return { kind: 'error', report: errorReportOf(error) };
  } finally {
    loopEmptied.stopWaiting();
  }
}

/** An `async` handler that nothing can settle any more is an error, any other one answers null, as on Lambda. */
function whenLoopEmpties(handler: Handler): { readonly promise: Promise<null>; readonly stopWaiting: () => void } {
  let onEmpty: () => void = ignore;
  const promise = new Promise<null>((resolve, reject) => {
    onEmpty = () => {
      if (handler.constructor.name !== 'AsyncFunction') resolve(null);
      else
        reject(new RuntimeError('Runtime.NodeJsExit', 'the handler returned a promise that nothing will ever settle'));
    };
  });
  process.once('beforeExit', onEmpty);
  return { promise, stopWaiting: () => process.off('beforeExit', onEmpty) };
}

function serialize(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    throw new Error('Unable to stringify response body', { cause: error });
  }
}

function logged(report: ErrorReport): ErrorReport {
  console.error(`ERROR\t${JSON.stringify({ ...report, trace: undefined, stack: report.trace })}`);
  return report;
}

function ignore(): void {}

// One stream keeps the order of what console.log and console.error write; AWS's runtime does the same.
globalThis.console = new Console({ stdout: process.stdout, stderr: process.stdout });
dieWithParent();
void main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
