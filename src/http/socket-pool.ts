import type { Pool } from 'undici';
// @ts-expect-error: a file without types of its own
import UntypedPool from 'undici/lib/dispatcher/pool.js';

/**
 * undici's pool of connections to one server, by its own file: all of undici, `fetch` and the rest included, takes twice as long
 * to load, which is a good part of what a short transfer takes.
 */
export const SocketPool: typeof Pool = UntypedPool;
