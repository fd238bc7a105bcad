import { SluiceError } from '../errors.js';

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
  // A script that awaits a cancelled task fails by it; the process has to live until everything has ended.
  process.on('uncaughtException', (error) => {
    if (isCancellation(error)) return;
    console.error(error);
    process.exit(EXIT_CODES[signal]);
  });
  process.stderr.write(`${signal}: cancelling the run; once more ends it at once\n`);
  const closing = [...kernels].map((kernel) => kernel.close({ onClose: 'cancel' }));
  void Promise.allSettled(closing).finally(() => process.exit(EXIT_CODES[signal]));
}

function isCancellation(error: unknown): boolean {
  if (error instanceof SluiceError && error.code === 'CANCELLED') return true;
  return error instanceof Error && error.cause !== undefined && isCancellation(error.cause);
}
