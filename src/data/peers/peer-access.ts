import { createHash, createHmac } from 'node:crypto';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { SluiceError } from '../../errors.js';
import type { PeerAccess } from '../../wire/pilot/peers.js';

/** The access of one process. @param runKey from {@link PeersConfig} */
export function accessFor(runKey: string, identity: string): PeerAccess {
  return { run: nameOfRun(runKey), identity, key: keyFor(runKey, identity).toString('hex') };
}

/** Tells runs apart by their keys, and tells nothing of these. */
export function nameOfRun(runKey: string): string {
  return createHash('sha256').update(`name ${runKey}`).digest('hex').slice(0, NAME_DIGITS);
}

const NAME_DIGITS = 12;

/**
 * Lets in whoever has a key of the run, and nobody else: TLS 1.3 with a pre-shared key and a key exchange of its own (RFC
 * 8446, 2.2; psk_dhe_ke), without certificates. https://nodejs.org/api/tls.html#pre-shared-keys
 */
export function serverTls(runKey: string): TlsOptions {
  return {
    ...SUITE,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_socket, identity) => keyFor(runKey, identity),
  };
}

/** The other side: a server that does not have the run's key is not spoken to. */
export function clientTls({ identity, key }: PeerAccess): ConnectionOptions {
  return {
    ...SUITE,
    pskCallback: () => ({ identity, psk: Buffer.from(key, 'hex') }),
    // There is no certificate: who has the key is who was meant.
    checkServerIdentity: () => undefined,
  };
}

// A key that comes by this interface goes with SHA-256 (SSL_CTX_set_psk_server_callback(3)).
const SUITE = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const;
const HANDSHAKE_MS = 10_000;

function keyFor(runKey: string, identity: string): Buffer {
  return createHmac('sha256', Buffer.from(runKey, 'hex')).update(`peer ${identity}`).digest();
}

/** The runs whose nodes a process may ask, by name. */
export class PeerRing {
  readonly #accesses = new Map<string, PeerAccess>();

  /** From now on its nodes may be asked, until the function that it answers is called. */
  join(access: PeerAccess): () => void {
    this.#accesses.set(access.run, access);
    return () => void this.#accesses.delete(access.run);
  }

  /** @throws {SluiceError} `ACCESS_DENIED` when this process has no part in the run; `undefined` where nothing is encrypted */
  accessTo(run: string | undefined): PeerAccess | undefined {
    if (run === undefined) return undefined;
    const access = this.#accesses.get(run);
    if (access !== undefined) return access;
    throw new SluiceError('ACCESS_DENIED', 'the file is on a node of an executor that this process is no part of');
  }
}

/** Of this process: its executors, or its manager, join their runs. */
export const PROCESS_RING: PeerRing = new PeerRing();
