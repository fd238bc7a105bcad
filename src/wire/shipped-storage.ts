import type { BuiltInEntry, ModuleEntry } from '../data/storage-access.js';
import type { CodeBundle } from './task-envelope.js';

/** Who moves a task's files, as it travels: made once for each kind of worker, and the same object with every task. */
export interface ShippedStorage {
  /** Tells one list, with its code, from another. */
  readonly hash: string;
  /** An encoded {@link ShippedList}. */
  readonly list: Uint8Array;
  /** The code of its modules, by the numbers that the list has for them. */
  readonly bundles: readonly CodeBundle[];
}

export interface ShippedList {
  readonly entries: readonly ShippedEntry[];
  /** Nothing but these moves files, or Sluice's own do what these do not know. */
  readonly only: boolean;
}

export type ShippedEntry = BuiltInEntry | ShippedModule;

/** A module as a worker gets it. */
export interface ShippedModule extends Omit<ModuleEntry, 'module'> {
  /** Name of its file, for errors. */
  readonly name: string;
  /** Index of its bundle. */
  readonly bundle: number;
}
