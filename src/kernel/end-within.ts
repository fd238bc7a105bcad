import { messageOf } from '../errors.js';
import type { KernelParts } from './kernel-parts.js';

// Beyond what executors were granted, to end what they could not end well.
const CLOSE_SLACK_MS = 10_000;

/**
 * Ends something, but does not wait for ever. What cannot end, or not well, is said aloud and holds nothing else up:
 * never rejects.
 */
export async function endWithin(what: string, end: () => Promise<void>, parts: KernelParts): Promise<void> {
  const { graceMs, later, warn } = parts;
  let stop = (): void => {};
  const late = new Promise<void>((resolve) => {
    stop = later(graceMs + CLOSE_SLACK_MS, () => {
      warn(`${what} has not ended ${graceMs + CLOSE_SLACK_MS} ms after the kernel's close`);
      resolve();
    });
  });
  const begun = async (): Promise<void> => end();
  const ended = begun().catch((error: unknown) => warn(`${what} did not close well: ${messageOf(error)}`));
  await Promise.race([ended, late]);
  stop();
}
