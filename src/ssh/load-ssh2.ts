import { optionalPackage } from '../optional-package.js';

/** The package ssh2. */
export type Ssh2 = typeof import('ssh2');

/** Loads ssh2 when the first connection is made. @throws {SluiceError} `PACKAGE_MISSING` */
export async function loadSsh2(): Promise<Ssh2> {
  const loaded = await optionalPackage('ssh2', 'a connection over ssh', () => import('ssh2'));
  return loaded.default as Ssh2;
}
