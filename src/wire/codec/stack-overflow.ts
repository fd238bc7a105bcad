/** Whether an error is V8's for a full stack: depth is bounded, but the stack may not have been empty before. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message === 'Maximum call stack size exceeded';
}
