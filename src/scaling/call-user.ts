import { messageOf, SluiceError } from '../errors.js';

/** What a function of the user's returns, or a usage error that says what it threw. @param what names the function */
export function callUser<T>(call: () => T, what: string): T | SluiceError {
  try {
    return call();
  } catch (thrown) {
    return new SluiceError('INVALID_OPTIONS', `${what} threw: ${messageOf(thrown)}`, { cause: thrown });
  }
}
