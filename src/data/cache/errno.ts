/** Whether a failed system call says one of these: `ENOENT`. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | null)?.code ?? '');
}

/** `undefined` where the call fails since what it is about is not there (any more). */
export async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/**
 * As {@link ifThere}, at once. What looks at a cache's entries does so: they are on a disk of this node, a task takes twenty such
 * looks, and each takes several times as long by way of another thread.
 */
export function ifThereNow<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Whether a full disk, or a user's full share of it, is why something failed. */
export function isDiskFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isErrno(cause, 'ENOSPC', 'EDQUOT')) return true;
  }
  return false;
}

/** Whether an error is a failed system call's own. */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}
