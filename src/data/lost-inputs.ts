import { InputLostError, messageOf, SluiceError } from '../errors.js';
import type { DataFile } from './data-file.js';
import { isTemporary } from './temporary-name.js';

/** What a transfer fails with when the place a `temp:` file was kept at, or the file in it, is gone. */
const GONE: ReadonlySet<string> = new Set(['NOT_FOUND', 'INPUT_LOST', 'UNREACHABLE']);

/**
 * Takes note of the inputs of an attempt that are gone from where the run kept them, while the others are brought: told of all of them at
 * once, a kernel makes them all again at once.
 */
export class LostInputs {
  readonly #urls: string[] = [];
  #first: unknown;

  /** The file's local path; `undefined` when it is lost. Rejects as the transfer does, otherwise. */
  async pathOf({ file, source }: KeptInput, transfer: Promise<string>): Promise<string | undefined> {
    try {
      return await transfer;
    } catch (error) {
      if (!isKept(file, source) || !isGone(error)) throw error;
      if (this.#urls.length === 0) this.#first = error;
      this.#urls.push(file.url);
      return undefined;
    }
  }

  /** @throws {InputLostError} naming all that are lost, if any is */
  throwIfAny(): void {
    if (this.#urls.length > 0) throw inputLost(this.#urls, this.#first);
  }
}

/** An input, and where its bytes are. */
interface KeptInput {
  readonly file: DataFile;
  readonly source: DataFile;
}

// Files of this machine may be carried to the worker from elsewhere; others that are not where they say were staged before.
function isKept({ url, scheme }: DataFile, source: DataFile): boolean {
  return isTemporary(url) || (scheme !== 'file' && source.url !== url);
}

/** The error of a task whose `temp:` inputs are gone. @param cause what reading one of them failed with */
export function inputLost(urls: readonly string[], cause: unknown): InputLostError {
  const are = urls.length === 1 ? 'is' : 'are';
  return new InputLostError(urls, `${urls.join(', ')} ${are} not there any more: ${messageOf(cause)}`, { cause });
}

/** Whether reading a file failed because it, or what kept it, is gone. */
export function isGone(error: unknown): boolean {
  return error instanceof SluiceError && GONE.has(error.code);
}
