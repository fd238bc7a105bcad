import { setFlagsFromString } from 'node:v8';

/**
 * Options of `node` for processes that do the same few things again and again: on Node 20 V8 makes machine code of a function
 * once it has run through so many bytes of its bytecode, and not through 67,584. Until then a round trip takes half as much
 * time again, and what compiles takes a core from what waits. Later versions have a quick compiler before that one, and not
 * this option, with which they would not start.
 */
export const EARLY_OPTIMIZING: readonly string[] = isNode20() ? ['--interrupt-budget=20000'] : [];

/**
 * For a process that does a few thousand things in a second or two and ends: what V8 makes of its functions would be there when
 * all is done, and takes a third of the processor time. Of what goes on for longer, it is made all the same.
 */
export function optimizeLate(): void {
  if (isNode20()) setFlagsFromString('--interrupt-budget=800000');
}

function isNode20(): boolean {
  return process.versions.node.startsWith('20.');
}
