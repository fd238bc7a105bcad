import type { FunctionRole } from '../shipped-file.js';

/** An ES module that has all it imports, but for what Node has and what `packages` leaves where it is. */
export interface Bundle {
  readonly text: string;
  /** SHA-256 of the text, hex. */
  readonly hash: string;
  /** Source map of the text, as JSON. */
  readonly map: string;
  /** Folder that the map's sources are relative to. */
  readonly folder: string;
  /** Names it exports. A CommonJS module shows `default` alone. */
  readonly exports: readonly string[];
  /** Where in the map's entry the shipped functions begin; absent for a module of the user's. */
  readonly firstLines?: Readonly<Partial<Record<FunctionRole, number>>>;
}

/** What is to be bundled. */
export interface BundleRequest {
  /** A file, or a text and the folder from which its imports resolve. */
  readonly entry: { readonly path: string } | { readonly text: string; readonly folder: string };
  /** `inside`: packages become part of the bundle. `outside`: they are imported from where they are installed. */
  readonly packages: 'inside' | 'outside';
}

/** What esbuild calls the entry that is a text. */
export const ENTRY_NAME = 'sluice-entry';
