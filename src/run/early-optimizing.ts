/**
 * Options of `node` for processes that do the same few things again and again: on Node 20 V8 makes machine code of a function
 * once it has run through so many bytes of its bytecode, and not through 67,584. Until then a round trip takes half as much
 * time again, and what compiles takes a core from what waits. Later versions have a quick compiler before that one, and not
 * this option, with which they would not start.
 */
export const EARLY_OPTIMIZING: readonly string[] = process.versions.node.startsWith('20.')
  ? ['--interrupt-budget=20000']
  : [];
