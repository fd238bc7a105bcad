import type { StorageAccess } from '../../data/storage-access.js';
import type { Executor } from '../../executors/executor.js';
import { loadedKernel } from '../../kernel/current-kernel.js';
import type { DataFlowKernel } from '../../kernel/dataflow-kernel.js';
import type { CodeDestination, ShipCode } from '../../wire/code-shipping/ship-code.js';
import type { ShippedStorage } from '../../wire/shipped-storage.js';
import { shipStorage } from './ship-storage.js';

/** Who moves files in a run: for its executors, each of which may have a list of its own, and for the client itself. */
export interface RunStorage {
  /** Makes what will travel to their workers. Rejects as {@link shipStorage} does. */
  prepare(executors: readonly Executor[]): Promise<void>;
  /** What was made for the executor of that label; `undefined` where Sluice's own do all. */
  of(label: string): ShippedStorage | undefined;
  /** The run's list, for this process. */
  ofClient(): Promise<ShippedStorage | undefined>;
}

/** @param storage the list of executors that have none of their own */
export function createRunStorage(storage: StorageAccess | undefined, shipCode: ShipCode): RunStorage {
  const made = new Map<string, ShippedStorage>();
  return {
    async prepare(executors) {
      for (const { label, storageAccess = storage, capabilities } of executors) {
        const shipped = await shipStorage(storageAccess, capabilities, shipCode);
        if (shipped === undefined) made.delete(label);
        else made.set(label, shipped);
      }
    },
    of: (label) => made.get(label),
    ofClient: () => shipStorage(storage, CLIENT, shipCode),
  };
}

/** What this process can run of the user's modules. */
export const CLIENT: CodeDestination = { sharesProject: true, sharesFilesystem: true };

const storages = new WeakMap<DataFlowKernel, RunStorage>();

/** Notes whose it is, for {@link loadedStorage}. */
export function rememberStorage(kernel: DataFlowKernel, storage: RunStorage): void {
  storages.set(kernel, storage);
}

/** The list of the kernel that apps use now, for this process; `undefined` when none is loaded, or it has none. */
export async function loadedStorage(): Promise<ShippedStorage | undefined> {
  const kernel = loadedKernel();
  return kernel && storages.get(kernel)?.ofClient();
}
