import { types } from 'node:util';

/** An error as the Runtime API takes it (AWS Lambda Developer Guide, "Runtime API", invocation error). */
export interface ErrorReport {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** An error whose `name` is one of Lambda's own `Runtime.…` error types. */
export class RuntimeError extends Error {
  override readonly name: string;

  constructor(errorType: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = errorType;
  }
}

/** Describes any thrown value; never throws itself. The type of an error is its name, of anything else its `typeof`. */
export function errorReportOf(thrown: unknown): ErrorReport {
  try {
    if (types.isNativeError(thrown)) {
      return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') };
    }
    return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  } catch {
    return { errorType: 'object', errorMessage: 'the thrown value could not be described', trace: [] };
  }
}
