/**
 * Option of `node` for processes that do the same few things again and again: V8 makes machine code of a function once it
 * has run through this many bytes of its bytecode, and not through six times as many (its default, as of Node 20). Until
 * then a message takes twice the time, and what compiles takes a core from what waits.
 */
export const EARLY_OPTIMIZING = '--interrupt-budget=20000';
