import type { Outcome } from '../outcome.js';

// Of each outcome: one byte with flags, three float64 (run, staging and processor time in milliseconds), its content.
const IS_VALUE = 1;
const HAS_CPU = 2;
const HEAD_BYTES = 1 + 3 * Float64Array.BYTES_PER_ELEMENT;
const NO_FILES: readonly string[] = [];

/** Memory with outcomes one after the other, as a thread writes them and its client reads them. */
export class OutcomeMemory {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Writes an outcome; answers where it ends, or `undefined` when it is not for here: too long, a reference, with files, of a task that fetched some. */
  write(start: number, outcome: Outcome): number | undefined {
    const content = contentOf(outcome);
    if (content === undefined) return undefined;
    const end = start + HEAD_BYTES + content.byteLength;
    if (end > this.#bytes.byteLength) return undefined;
    const { runMs, stagingMs, cpuMs } = outcome.usage;
    this.#bytes[start] = (outcome.kind === 'value' ? IS_VALUE : 0) | (cpuMs === undefined ? 0 : HAS_CPU);
    this.#view.setFloat64(start + 1, runMs);
    this.#view.setFloat64(start + 9, stagingMs);
    this.#view.setFloat64(start + 17, cpuMs ?? 0);
    this.#bytes.set(content, start + HEAD_BYTES);
    return end;
  }

  /** Reads the outcome between two places. @param where the host, for its usage */
  read(start: number, end: number, where: string): Outcome {
    const flags = this.#bytes[start] as number;
    const runMs = this.#view.getFloat64(start + 1);
    const stagingMs = this.#view.getFloat64(start + 9);
    const usage =
      (flags & HAS_CPU) === 0
        ? { runMs, stagingMs, where }
        : { runMs, stagingMs, where, cpuMs: this.#view.getFloat64(start + 17) };
    const bytes = copyOf(this.#bytes, start + HEAD_BYTES, end);
    if ((flags & IS_VALUE) === 0) return { kind: 'error', error: bytes, usage };
    return { kind: 'value', value: { kind: 'inline', bytes, files: NO_FILES }, usage };
  }
}

function contentOf(outcome: Outcome): Uint8Array | undefined {
  if (outcome.usage.inputs !== undefined) return undefined;
  if (outcome.kind === 'error') return outcome.error;
  const { value } = outcome;
  return value.kind === 'inline' && value.files.length === 0 ? value.bytes : undefined;
}

// Not by slice(), which would give a view of shared memory's own kind of buffer.
function copyOf(shared: Uint8Array, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  for (let index = start; index < end; index++) bytes[index - start] = shared[index] as number;
  return bytes;
}
