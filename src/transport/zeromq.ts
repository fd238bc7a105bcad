import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let loaded: typeof import('zeromq') | undefined;

/** Of libzmq, which takes 1,023 unless told: a connecting end has three, and a process of many has to be possible. */
const MOST_SOCKETS = 16_384;

/** The library, loaded when it is first needed: most who import sluice never do. */
export function zeromq(): typeof import('zeromq') {
  if (loaded === undefined) {
    loaded = require('zeromq') as typeof import('zeromq');
    loaded.context.maxSockets = MOST_SOCKETS;
  }
  return loaded;
}
