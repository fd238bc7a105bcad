import type { KeyPair } from './transport.js';
import { zeromq } from './zeromq.js';

/** New keys for one end; the secret one is never to be shown. */
export function createKeyPair(): KeyPair {
  return zeromq().curveKeyPair();
}
