import { encode } from '../../wire/codec.js';
import type { AppCode } from '../../wire/task-envelope.js';

/** The code of an app under its number. */
export interface NumberedCode {
  readonly code: number;
  readonly bytes: Uint8Array;
}

/** Numbers the code of apps, so that it travels once, and not with each task. */
export class CodeBook {
  readonly #numbers = new WeakMap<AppCode, number>();
  readonly #codes: NumberedCode[] = [];

  /** Called with each code when it gets its number: before any task that has it. */
  readonly #onNew: (code: NumberedCode) => void;

  constructor(onNew: (code: NumberedCode) => void) {
    this.#onNew = onNew;
  }

  /** All so far, for somebody who knows none. */
  get codes(): readonly NumberedCode[] {
    return this.#codes;
  }

  numberOf(app: AppCode): number {
    const known = this.#numbers.get(app);
    if (known !== undefined) return known;
    const code = { code: this.#codes.length, bytes: encode(app).bytes };
    this.#numbers.set(app, code.code);
    this.#codes.push(code);
    this.#onNew(code);
    return code.code;
  }
}
