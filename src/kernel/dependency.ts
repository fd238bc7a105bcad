import { DataFile } from '../data/data-file.js';
import { encode } from '../wire/codec.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { AppFuture } from './app-future.js';
import { DataFuture } from './data-future.js';
import { ForeignPromise } from './foreign-promise.js';
import type { Settlement } from './settlement.js';

/** One thing a task waits for: the value of a task, a file it makes, or a promise that no app made. */
export type Dependency = AppFuture<unknown> | DataFuture | AwaitedPromise | KnownValue;

/** A promise that no app made, and where it stands in the call: `argument 0 .list[2]`. */
export class AwaitedPromise {
  readonly promise: ForeignPromise;
  readonly place: string;

  constructor(promise: ForeignPromise, place: string) {
    this.promise = promise;
    this.place = place;
  }
}

/** What a dependency has come to, without it: for a task that is run again. */
export class KnownValue implements Settling {
  readonly settlement: Settlement;

  constructor(value: EncodedValue) {
    this.settlement = { kind: 'value', value };
  }

  onSettled(listener: (settlement: Settlement) => void): void {
    listener(this.settlement);
  }
}

/** Collects the distinct futures and promises met while a call is encoded; the index of each is its slot. */
export class DependencyList {
  readonly futures: Dependency[] = [];
  readonly #slots = new Map<object, number>();

  /** For `encode`'s `slotOf`: the slot of whatever can be waited for. */
  readonly slotOf = (value: object, at: { place(): string }): number => {
    const known = this.#slots.get(value);
    if (known !== undefined) return known;
    const isOurs = value instanceof AppFuture || value instanceof DataFuture;
    const dependency = isOurs ? (value as Dependency) : new AwaitedPromise(ForeignPromise.of(value), at.place());
    const slot = this.futures.push(dependency) - 1;
    this.#slots.set(value, slot);
    return slot;
  };
}

/** What a dependency ends with: a task, or a promise. */
export interface Settling {
  readonly settlement: Settlement | undefined;
  onSettled(listener: (settlement: Settlement) => void): void;
}

/** What settles a dependency. */
export function taskOf(dependency: Dependency): Settling {
  if (dependency instanceof AppFuture || dependency instanceof KnownValue) return dependency;
  return dependency instanceof DataFuture ? dependency.parent : dependency.promise;
}

/** What travels in the slot of a dependency that is done: its value as encoded by its worker, or the file's name. */
export function slotValue(dependency: Dependency): EncodedValue {
  const { settlement } = taskOf(dependency);
  if (settlement?.kind !== 'value') throw new Error('kernel defect: a slot was filled before its dependency was done');
  if (!(dependency instanceof DataFuture)) return settlement.value;
  const { bytes, files } = encode(new DataFile(dependency.url));
  return { kind: 'inline', bytes, files };
}
