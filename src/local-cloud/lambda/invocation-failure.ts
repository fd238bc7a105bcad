/** Why an environment ended, or had to be ended, before it answered. */
export type EnvironmentEnd =
  | { readonly kind: 'timeout'; readonly timeoutSeconds: number }
  | { readonly kind: 'memory' }
  | { readonly kind: 'exit'; readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A function error that Lambda itself reports, not the function. */
export interface InvocationFailure {
  readonly errorType: string;
  readonly errorMessage: string;
}

/** What Lambda answers for an environment that ended (observed wording of the service). */
export function failureOf(requestId: string, end: EnvironmentEnd): InvocationFailure {
  const prefix = `RequestId: ${requestId} Error: `;
  switch (end.kind) {
    case 'timeout':
      return {
        errorType: 'Sandbox.Timedout',
        errorMessage: `${prefix}Task timed out after ${end.timeoutSeconds.toFixed(2)} seconds`,
      };
    case 'memory':
      return { errorType: 'Runtime.ExitError', errorMessage: `${prefix}Runtime exited with error: signal: killed` };
    case 'exit':
      return { errorType: 'Runtime.ExitError', errorMessage: prefix + exitText(end) };
  }
}

/** The answer to a response above the payload limit. */
export function responseTooLarge(limitBytes: number): InvocationFailure {
  return {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${limitBytes} bytes).`,
  };
}

function exitText({ code, signal }: { code: number | null; signal: NodeJS.Signals | null }): string {
  if (signal !== null)
    return `Runtime exited with error: signal: ${SIGNAL_TEXTS[signal] ?? signal.slice(3).toLowerCase()}`;
  return code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}

const SIGNAL_TEXTS: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGILL: 'illegal instruction',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};
