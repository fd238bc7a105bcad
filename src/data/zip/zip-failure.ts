import { messageOf, SluiceError } from '../../errors.js';
import { localFailure } from '../write-whole.js';

/**
 * The error of a step that an archive did not allow: `signal.reason` once aborted, that of the disk, `INVALID_OPTIONS` for
 * what is no archive or one of a kind that cannot be read, else `TRANSFER_FAILED`.
 */
export function zipFailure(what: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const local = localFailure(what, error);
  if (local instanceof SluiceError) return local;
  const said = messageOf(error);
  const known = NO_ARCHIVE.find((text) => said.startsWith(text));
  if (known !== undefined) {
    return new SluiceError('INVALID_OPTIONS', `cannot ${what}: this is no zip archive, or one cut short (${said})`, {
      cause: error,
    });
  }
  const code = UNSUPPORTED.some((text) => said.startsWith(text)) ? 'INVALID_OPTIONS' : 'TRANSFER_FAILED';
  return new SluiceError(code, `cannot ${what}: ${said}`, { cause: error });
}

// Beginnings of zip.js's messages, where they tell what an archive is rather than what is broken in it.
const NO_ARCHIVE = ['File format is not recognized', 'End of central directory not found', 'Central directory header'];
const UNSUPPORTED = [
  'Ambiguous archive',
  'Compression method not supported',
  'Encrypted central directory',
  'File entry name exceeds',
  'Split zip file',
];
