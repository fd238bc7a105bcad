/** What a signal cancels. */
interface Cancellable {
  close(options: { onClose: 'cancel' }): Promise<void>;
}

// 128 + the signal's number, as shells count.
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * On SIGINT or SIGTERM closes the kernel, cancelling what runs, then ends the process; a second one ends it at once.
 * The answer takes the listeners away again.
 */
export function cancelOnSignals(kernel: Cancellable): () => void {
  let stopping = false;
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    const listener = (): void => {
      if (stopping) process.exit(EXIT_CODES[signal]);
      stopping = true;
      process.stderr.write(`${signal}: cancelling the run; once more ends it at once\n`);
      void kernel.close({ onClose: 'cancel' }).finally(() => process.exit(EXIT_CODES[signal]));
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  return () => {
    if (stopping) return;
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
}
