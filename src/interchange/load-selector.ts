import { messageOf, SluiceError } from '../errors.js';
import {
  blockSelector,
  mostFreeSelector,
  nearSelector,
  randomSelector,
  roundRobinSelector,
} from './built-in-selectors.js';
import type { SelectorChoice } from './interchange-config.js';
import type { ManagerSelector } from './manager-selector.js';

const BUILT_IN: Readonly<Record<Extract<SelectorChoice, string>, () => ManagerSelector>> = {
  random: () => randomSelector(Math.random),
  'round-robin': roundRobinSelector,
  block: blockSelector,
  'most-free': mostFreeSelector,
  near: nearSelector,
};

/**
 * The selector of a name, or the one that a module exports: an object with `choose`, or a function that makes one.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when there is none
 */
export async function loadSelector(choice: SelectorChoice): Promise<ManagerSelector> {
  if (typeof choice === 'string') return BUILT_IN[choice]();
  const what = `the manager selector '${choice.export}' of ${choice.module}`;
  let exported: unknown;
  try {
    exported = ((await import(choice.module)) as Record<string, unknown>)[choice.export];
    if (typeof exported === 'function') exported = exported();
  } catch (cause) {
    throw new SluiceError('INVALID_OPTIONS', `${what} cannot be loaded: ${messageOf(cause)}`, { cause });
  }
  if (typeof (exported as Partial<ManagerSelector> | undefined)?.choose === 'function') {
    return exported as ManagerSelector;
  }
  throw new SluiceError('INVALID_OPTIONS', `${what} is no selector: export an object with choose(candidates, needs)`);
}
