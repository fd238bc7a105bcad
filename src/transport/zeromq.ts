import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let loaded: typeof import('zeromq') | undefined;

/** The library, loaded when it is first needed: most who import sluice never do. */
export function zeromq(): typeof import('zeromq') {
  loaded ??= require('zeromq') as typeof import('zeromq');
  return loaded;
}
