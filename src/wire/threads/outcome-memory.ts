import type { Outcome } from '../outcome.js';

// Of each outcome: a byte with flags, the length of its content (uint32), run time (float64), staging and processor time
// where there is any (float64), and the content. Times are in milliseconds.
const IS_VALUE = 1;
const HAS_STAGING = 2;
const HAS_CPU = 4;
const LENGTH_AT = 1;
const RUN_AT = 5;
const HEAD_BYTES = 13;
const TIME_BYTES = 8;
const NO_FILES: readonly string[] = [];
/** Contents of longer sheets get memory of their own: whoever keeps one of a sheet keeps the sheet. */
const SHARED_SHEET_BYTES = 8 * 1024;

/** Memory with outcomes one after the other, as a thread writes them. */
export class OutcomeMemory {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  /** Writes an outcome; answers where it ends, or `undefined` when it is not for here: too long, a reference, with files, of a task that fetched some. */
  write(start: number, outcome: Outcome): number | undefined {
    const content = contentOf(outcome);
    if (content === undefined) return undefined;
    const { runMs, stagingMs, cpuMs } = outcome.usage;
    const flags =
      (outcome.kind === 'value' ? IS_VALUE : 0) |
      (stagingMs === 0 ? 0 : HAS_STAGING) |
      (cpuMs === undefined ? 0 : HAS_CPU);
    const contentAt = start + headBytes(flags);
    const end = contentAt + content.byteLength;
    if (end > this.#bytes.byteLength) return undefined;
    this.#bytes[start] = flags;
    this.#view.setUint32(start + LENGTH_AT, content.byteLength);
    this.#view.setFloat64(start + RUN_AT, runMs);
    if ((flags & HAS_STAGING) !== 0) this.#view.setFloat64(start + HEAD_BYTES, stagingMs);
    if (cpuMs !== undefined) this.#view.setFloat64(contentAt - TIME_BYTES, cpuMs);
    this.#bytes.set(content, contentAt);
    return end;
  }

  /** Where the last of `count` outcomes ends. */
  endOf(start: number, count: number): number {
    let at = start;
    for (let left = count; left > 0; left--) at += sizeAt(this.#view, at);
    return at;
  }

  /** What is written there, in memory of its own. */
  copy(start: number, end: number): OutcomeSheet {
    const bytes = new Uint8Array(end - start);
    bytes.set(this.#bytes.subarray(start, end));
    return new OutcomeSheet(bytes);
  }
}

/** Outcomes as a client reads them, one after the other, each when it is wanted. */
export class OutcomeSheet {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  /** The next outcome. @param where the host, for its usage */
  next(where: string): Outcome {
    const start = this.#at;
    const flags = this.#bytes[start] as number;
    const contentAt = start + headBytes(flags);
    this.#at = start + sizeAt(this.#view, start);
    const runMs = this.#view.getFloat64(start + RUN_AT);
    const stagingMs = (flags & HAS_STAGING) === 0 ? 0 : this.#view.getFloat64(start + HEAD_BYTES);
    const usage =
      (flags & HAS_CPU) === 0
        ? { runMs, stagingMs, where }
        : { runMs, stagingMs, where, cpuMs: this.#view.getFloat64(contentAt - TIME_BYTES) };
    const bytes = this.#content(contentAt);
    if ((flags & IS_VALUE) === 0) return { kind: 'error', error: bytes, usage };
    return { kind: 'value', value: { kind: 'inline', bytes, files: NO_FILES }, usage };
  }

  #content(start: number): Uint8Array {
    const bytes = this.#bytes;
    return bytes.byteLength > SHARED_SHEET_BYTES ? bytes.slice(start, this.#at) : bytes.subarray(start, this.#at);
  }
}

function headBytes(flags: number): number {
  const times = ((flags & HAS_STAGING) === 0 ? 0 : 1) + ((flags & HAS_CPU) === 0 ? 0 : 1);
  return HEAD_BYTES + times * TIME_BYTES;
}

/** Bytes of the outcome that stands there. */
function sizeAt(view: DataView, at: number): number {
  return headBytes(view.getUint8(at)) + view.getUint32(at + LENGTH_AT);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function contentOf(outcome: Outcome): Uint8Array | undefined {
  if (outcome.usage.inputs !== undefined) return undefined;
  if (outcome.kind === 'error') return outcome.error;
  const { value } = outcome;
  return value.kind === 'inline' && value.files.length === 0 ? value.bytes : undefined;
}
