import { GcsError } from '../gcs-error.js';
import { checkSums, type ExpectedSums } from './expected-sums.js';
import { RunningSums, type Sums } from './running-sums.js';

/** What a body turned out to be, once all of it has been read and found as announced. */
export interface ContentFacts extends Sums {
  /** Size in bytes. */
  readonly size: number;
}

/**
 * Yields a body's chunks and returns its facts after the last one. Throws GcsError instead when its length or a
 * checksum is not what the client said; so what was yielded must not be published before the end.
 */
export async function* verifiedContent(
  source: AsyncIterable<Uint8Array>,
  { size: announced, sums: expected }: { readonly size?: number | undefined; readonly sums: ExpectedSums },
): AsyncGenerator<Uint8Array, ContentFacts> {
  const sums = new RunningSums();
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    sums.update(chunk);
    yield chunk;
  }
  if (announced !== undefined && announced !== size) {
    throw new GcsError('badRequest', `The body has ${size} bytes, and ${announced} were announced.`);
  }
  const { value } = sums;
  checkSums(expected, value);
  return { size, ...value };
}
