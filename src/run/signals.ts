/** What a signal cancels. */
interface Cancellable {
  close(options: { onClose: 'cancel' }): Promise<void>;
}

// 128 + the signal's number, as shells count.
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof EXIT_CODES;
const SIGNALS = Object.keys(EXIT_CODES) as Signal[];

const kernels = new Set<Cancellable>();
let isStopping = false;

/**
 * On SIGINT or SIGTERM closes every kernel, cancelling what runs, then ends the process; a second one ends it at once.
 * The answer takes this kernel out again.
 */
export function cancelOnSignals(kernel: Cancellable): () => void {
  if (kernels.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal);
  kernels.add(kernel);
  return () => {
    kernels.delete(kernel);
    if (kernels.size > 0 || isStopping) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

function onSignal(signal: Signal): void {
  if (isStopping) process.exit(EXIT_CODES[signal]);
  isStopping = true;
  // Counts also where a cancelled task ends the process sooner, by its error that nobody catches.
  process.exitCode = EXIT_CODES[signal];
  process.stderr.write(`${signal}: cancelling the run; once more ends it at once\n`);
  const closing = [...kernels].map((kernel) => kernel.close({ onClose: 'cancel' }));
  void Promise.allSettled(closing).finally(() => process.exit(EXIT_CODES[signal]));
}
