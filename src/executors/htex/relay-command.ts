import { EARLY_OPTIMIZING } from '../../run/optimizing.js';

/**
 * Program and arguments that start one of the processes which pass messages on, an interchange or a manager, from its
 * main.
 *
 * V8 begins to mark its whole heap for each 32 MB of messages (it counts memory outside of its heap, and zeromq.js reports
 * all it receives once more), and does so in steps and on other threads, though there is hardly a heap to mark: a third of
 * the processor time of large messages. Marked in one go it is a few milliseconds.
 */
export function relayCommand(main: string): [program: string, ...args: string[]] {
  return [process.execPath, '--no-incremental-marking', ...EARLY_OPTIMIZING, main];
}
