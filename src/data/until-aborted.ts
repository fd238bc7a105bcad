/** Waits for what others wait for too, and which goes on when one of them gives up. Rejects with `signal.reason` then. */
export async function untilAborted<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  // When the abort wins, nobody else may look at how it ends.
  shared.catch(() => undefined);
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([shared, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
