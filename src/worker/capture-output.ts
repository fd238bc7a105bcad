import { AsyncLocalStorage } from 'node:async_hooks';
import { Console } from 'node:console';
import { writeSync } from 'node:fs';
import { localFailure } from '../data/write-whole.js';
import type { StreamName } from '../wire/task-envelope.js';
import type { StreamFiles } from './stream-files.js';

interface Capture {
  readonly files: Pick<StreamFiles, StreamName>;
  isOpen: boolean;
}

type Write = NodeJS.WriteStream['write'];

const captures = new AsyncLocalStorage<Capture>();
/** The functions that were put in place here: what a test or an app replaces is diverted anew. */
const diverted = new WeakSet<object>();
let underWay = 0;

/**
 * Runs `work`, and writes to `files` what it and all it awaits say by `console`, `process.stdout` and `process.stderr`:
 * at once and whole, so that nothing gathers in memory. A stream without a file goes where it always does; so does what
 * code that is left over says once `work` has settled or `signal` has aborted, and what other tasks say meanwhile.
 * Processes that `work` starts with inherited streams write past this. Closes the files.
 */
export async function capturingOutput<T>(
  files: StreamFiles,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (const name of ['stdout', 'stderr'] as const) divertStream(name);
  divertConsole();
  const capture: Capture = { files, isOpen: true };
  const close = (): void => {
    if (!capture.isOpen) return;
    capture.isOpen = false;
    files.close();
    underWay -= 1;
    // Following every promise costs something: only while somebody asks.
    if (underWay === 0) captures.disable();
  };
  underWay += 1;
  signal?.addEventListener('abort', close, { once: true });
  try {
    return await captures.run(capture, work);
  } finally {
    signal?.removeEventListener('abort', close);
    close();
  }
}

function fileOf(name: StreamName): number | undefined {
  if (underWay === 0) return undefined;
  const capture = captures.getStore();
  return capture?.isOpen === true ? capture.files[name] : undefined;
}

function divertStream(name: StreamName): void {
  const stream = process[name];
  if (diverted.has(stream.write)) return;
  const original = stream.write.bind(stream) as Write;
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const file = fileOf(name);
    if (file === undefined) return (original as (...args: unknown[]) => boolean)(chunk, ...rest);
    writeWhole(file, typeof chunk === 'string' ? Buffer.from(chunk, encodingIn(rest)) : chunk, name);
    const callback = rest.at(-1);
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return true;
  };
  diverted.add(write);
  stream.write = write as Write;
}

function writeWhole(file: number, bytes: Uint8Array, name: StreamName): void {
  try {
    for (let written = 0; written < bytes.byteLength; ) written += writeSync(file, bytes, written);
  } catch (error) {
    throw localFailure(`write the task's ${name}`, error);
  }
}

function encodingIn([encoding]: readonly unknown[]): BufferEncoding {
  return typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
}

const TO_STDERR: ReadonlySet<string> = new Set(['warn', 'error', 'trace', 'assert']);
const NOT_WRITING: ReadonlySet<string> = new Set(['Console', 'profile', 'profileEnd', 'timeStamp', 'context']);

let plain: Record<string, unknown> | undefined;

// A runtime may have put a console of its own in place, which writes elsewhere than `process.stdout`, as Lambda's does.
function divertConsole(): void {
  plain ??= new Console(process.stdout, process.stderr) as unknown as Record<string, unknown>;
  const shown = console as unknown as Record<string, unknown>;
  for (const key of Object.keys(shown)) {
    const original = shown[key];
    const captured = plain[key];
    if (NOT_WRITING.has(key) || typeof original !== 'function' || typeof captured !== 'function') continue;
    if (diverted.has(original)) continue;
    const name = TO_STDERR.has(key) ? 'stderr' : 'stdout';
    const method = function (this: unknown, ...args: unknown[]): unknown {
      return fileOf(name) === undefined ? original.apply(this, args) : captured.apply(plain, args);
    };
    diverted.add(method);
    shown[key] = method;
  }
}
