import { closeSync, openSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { DataFile } from '../data/data-file.js';
import { localFailure } from '../data/write-whole.js';
import { messageOf, SluiceError } from '../errors.js';
import type { OutputForm } from '../wire/task-envelope.js';

/** What a command reads from standard input: an open file, or bytes; neither for nothing. */
export interface CommandInput {
  readonly fd?: number;
  readonly bytes?: Uint8Array;
  /** Closes the file. */
  close(): void;
}

/** Opens what a call gives as standard input. @throws {SluiceError} `BASH_BAD_INPUT` for what is neither text, bytes nor a file */
export function openInput(stdin: unknown, app: string): CommandInput {
  const close = (): void => {};
  if (stdin === undefined) return { close };
  if (typeof stdin === 'string') return { bytes: Buffer.from(stdin), close };
  if (stdin instanceof Uint8Array) return { bytes: stdin, close };
  if (stdin instanceof DataFile) return openFile(stdin.path);
  const what = stdin === null ? 'null' : Array.isArray(stdin) ? 'an array' : typeof stdin;
  throw new SluiceError(
    'BASH_BAD_INPUT',
    `bash app '${app}' was given ${what} as stdin: give it text, bytes or a file; JSON.stringify what is neither`,
  );
}

function openFile(path: string): CommandInput {
  try {
    const fd = openSync(path, 'r');
    return { fd, close: () => closeSync(fd) };
  } catch (error) {
    throw localFailure(`read ${path}`, error);
  }
}

/** Larger values belong in files, which need not fit in memory. */
const LARGEST_VALUE_BYTES = 64 * 1024 * 1024;

/** What a command has written to a file, as its app returns it. @throws {SluiceError} `BASH_BAD_OUTPUT` */
export async function readOutput(path: string, form: OutputForm, app: string): Promise<unknown> {
  const { size } = await stat(path);
  if (size > LARGEST_VALUE_BYTES) {
    throw badOutput(app, `wrote ${size} bytes, more than a value may have (64 MiB): let it write a file (outputs)`);
  }
  const bytes = await readFile(path);
  if (form === 'bytes') return new Uint8Array(bytes);
  const text = textOf(bytes, app);
  if (form === 'text') return text.replace(/\n+$/, '');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badOutput(app, `wrote no JSON (${messageOf(error)})`, error);
  }
}

function textOf(bytes: Uint8Array, app: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw badOutput(app, "wrote no UTF-8: let it return 'bytes'", error);
  }
}

function badOutput(app: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError('BASH_BAD_OUTPUT', `bash app '${app}' returns its standard output, and ${what}`, { cause });
}
