/**
 * Option of `node` for processes that do the same few things again and again: V8 makes machine code of a function once it
 * has run through this many bytes of its bytecode, and not through 67,584 (the default of Node 20). Until
 * then a round trip takes half as much time again, and what compiles takes a core from what waits.
 */
export const EARLY_OPTIMIZING = '--interrupt-budget=20000';
