/**
 * Where `temp:` files are kept that no executor keeps itself: on a disk that client and workers share. `load` makes one
 * for each run.
 */
export interface TemporaryHomes {
  /** URL of the place for a file that an attempt makes, `file:///…`: no other attempt has it. No I/O. */
  placeFor(url: string, attempt: { readonly taskId: number; readonly attempt: number }): string;
  /** Copies a file, or a folder, that an executor keeps to such a place. Rejects as staging does. */
  copy(from: string, to: string): Promise<void>;
  /** Removes files and folders, wherever they are kept; what is not there counts as removed. */
  remove(urls: readonly string[]): Promise<void>;
  /** Removes all that are left on the shared disk. */
  close(): Promise<void>;
}
