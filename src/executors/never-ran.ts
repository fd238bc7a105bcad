import type { Abortable } from './executor.js';

/** What `dispatch` gives back for a task that it refused: there is nothing to abort. */
export const NEVER_RAN: Abortable = { abort: () => {} };
