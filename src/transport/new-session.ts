import { randomInt } from 'node:crypto';

/** A number for a link's session: hardly the same twice, never 0. */
export function newSession(): number {
  return randomInt(1, 2 ** 32);
}
