import { messageOf, SluiceError } from '../../errors.js';
import { WIRE_VERSION } from '../task-envelope.js';
import { ByteWriter, MessageTooLarge } from './byte-writer.js';
import { writeBigint, writerOf } from './extension-writers.js';
import { EXTENSION, MAX_DEPTH, MAX_MESSAGE_BYTES } from './format.js';
import { describePath, NO_STEP } from './path.js';
import { Refusal, refuse } from './refusal.js';
import { isStackOverflow } from './stack-overflow.js';

/**
 * Index of the slot that a future's value will fill; `undefined` when the object is none. `at` says where it stands, as
 * errors do.
 */
export type SlotOf = (value: object, at: { place(): string }) => number | undefined;

const RESULT = 'the result';

/**
 * Writes one message at a time. Not reentrant: user code that runs meanwhile (getters, `slotOf`) needs another one.
 */
export class Encoder {
  readonly out: ByteWriter = new ByteWriter();
  /** Names the value in errors. */
  root = '';
  slotOf: SlotOf | undefined;
  readonly #containers: unknown[] = [];
  readonly #steps: (string | number)[] = [];
  readonly #files: Set<string> = new Set();
  #depth = 0;

  /** Starts a message; whatever was left of another one is dropped. */
  begin(slotOf: SlotOf | undefined): void {
    this.slotOf = slotOf;
    this.out.length = 0;
    this.out.byte(WIRE_VERSION);
  }

  /** The message and its files; the encoder is free again, and holds nothing of what was written. */
  finish(): { bytes: Uint8Array<ArrayBuffer>; files: string[] } {
    this.slotOf = undefined;
    return { bytes: this.out.take(), files: this.#takeFiles() };
  }

  /** Writes a value named `root`. @throws {SluiceError} `NOT_SENDABLE`, naming the place. */
  writeRoot(value: unknown, root: string): void {
    this.root = root;
    try {
      this.write(value);
    } catch (error) {
      throw this.#abandon(error);
    }
  }

  write(value: unknown): void {
    if (typeof value === 'string') this.out.string(value);
    else if (typeof value === 'number') this.out.number(value);
    else if (typeof value === 'object') value === null ? this.out.byte(0xc0) : this.#object(value);
    else if (typeof value === 'boolean') this.out.byte(value ? 0xc3 : 0xc2);
    else if (value === undefined) this.out.extension1(EXTENSION.undefined, 0);
    else if (typeof value === 'bigint') writeBigint(this, value);
    else throw this.refusal(value);
  }

  /** Writes what stands one step below the container being written. */
  writeAt(step: string | number, value: unknown): void {
    this.#steps[this.#depth - 1] = step;
    this.write(value);
  }

  /** Writes a container: what `write` writes with {@link writeAt} stands in it. */
  within<T extends object>(container: T, write: (encoder: Encoder, container: T) => void): void {
    this.#enter(container);
    write(this, container);
    this.#leave();
  }

  /** Where the value being written stands: `argument 0 .list[2]`. */
  place(): string {
    return this.#placeAt(this.#depth);
  }

  addFile(url: string): void {
    this.#files.add(url);
  }

  refusal(value: unknown): Refusal {
    return refuse(value, this.root === RESULT ? 'sent back from a worker' : 'sent to a worker');
  }

  /** The refusal of the container being written, not of what stands in it. */
  containerRefusal(reason: string): Refusal {
    this.#steps[this.#depth - 1] = NO_STEP;
    return new Refusal(reason);
  }

  #object(value: object): void {
    const prototype: object | null = Object.getPrototypeOf(value);
    if (typeof (value as { then?: unknown }).then === 'function') this.#slot(value);
    else if (prototype === Object.prototype || prototype === null) this.#plain(value as Record<string, unknown>);
    else if (prototype === Array.prototype && !hasHoles(value as unknown[])) this.#array(value as unknown[]);
    else this.#special(value, prototype);
  }

  #plain(value: Record<string, unknown>): void {
    const keys = Object.keys(value);
    this.#enter(value);
    this.out.mapHeader(keys.length);
    const level = this.#depth - 1;
    for (const key of keys) {
      this.out.string(key);
      this.#steps[level] = key;
      this.write(value[key]);
    }
    this.#leave();
  }

  #array(value: unknown[]): void {
    this.#enter(value);
    const { length } = value;
    this.out.arrayHeader(length);
    const level = this.#depth - 1;
    for (let index = 0; index < length; index++) {
      this.#steps[level] = index;
      this.write(value[index]);
    }
    this.#leave();
  }

  #special(value: object, prototype: object): void {
    const write = writerOf(prototype, value);
    if (write !== undefined) write(this, value);
    // The Object.prototype of another realm (a `vm` context).
    else if (Object.getPrototypeOf(prototype) === null) this.#plain(value as Record<string, unknown>);
    else throw this.refusal(value);
  }

  #slot(value: object): void {
    const index = this.slotOf?.(value, this);
    if (index === undefined) throw this.refusal(value);
    this.out.extension4(EXTENSION.slot, index);
  }

  #enter(container: object): void {
    const depth = this.#depth;
    for (let level = depth - 1; level >= 0; level--) {
      if (this.#containers[level] === container) throw this.#circular(level);
    }
    if (depth === MAX_DEPTH)
      throw new Refusal(`values nested more than ${MAX_DEPTH} deep cannot be sent: flatten them`);
    this.#containers[depth] = container;
    this.#steps[depth] = NO_STEP;
    this.#depth = depth + 1;
  }

  #leave(): void {
    this.#depth--;
    // Nothing of the user's is held on to.
    this.#containers[this.#depth] = undefined;
  }

  #circular(level: number): Refusal {
    return new Refusal(`a circular reference to ${this.#placeAt(level)} cannot be sent: break the circle, or send ids`);
  }

  #placeAt(depth: number): string {
    const path = describePath({ containers: this.#containers, steps: this.#steps }, depth);
    return path === '' ? this.root : `${this.root} ${path}`;
  }

  // An empty set is not cleared: that gives it a new table, in the old generation's memory as the set is.
  #takeFiles(): string[] {
    if (this.#files.size === 0) return [];
    const files = [...this.#files];
    this.#files.clear();
    return files;
  }

  /** Forgets the message, and says at which place it broke off. */
  #abandon(error: unknown): SluiceError {
    const place = this.#placeAt(this.#depth);
    this.out.take();
    this.slotOf = undefined;
    this.#files.clear();
    this.#containers.length = 0;
    this.#depth = 0;
    if (error instanceof Refusal) return new SluiceError('NOT_SENDABLE', `${place}: ${error.message}`);
    if (isStackOverflow(error)) return new SluiceError('NOT_SENDABLE', `${place}: ${TOO_DEEP_HERE}`, { cause: error });
    if (error instanceof MessageTooLarge) return tooLarge(this.root, error);
    return new SluiceError('NOT_SENDABLE', `${place}: reading it failed: ${messageOf(error)}`, { cause: error });
  }
}

const TOO_DEEP_HERE = 'values nested too deep for the stack here cannot be sent: flatten them';

function tooLarge(root: string, cause: Error): SluiceError {
  const message = `${root} is larger than ${MAX_MESSAGE_BYTES} bytes, or than the free memory: send it as a file`;
  return new SluiceError('NOT_SENDABLE', message, { cause });
}

function hasHoles(array: readonly unknown[]): boolean {
  for (let index = 0; index < array.length; index++) {
    if (array[index] === undefined && !(index in array)) return true;
  }
  return false;
}
