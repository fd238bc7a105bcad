import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { InterchangeConfig } from '../../interchange/interchange-config.js';
import { createKeyPair } from '../../transport/key-pair.js';
import { newLocalAddress } from '../../transport/local-address.js';
import type { ClientSecurity, ServerSecurity } from '../../transport/transport.js';
import { VERSION } from '../../version.js';
import { PILOT_PROTOCOL } from '../../wire/pilot/messages.js';
import type { PeersConfig } from '../../wire/pilot/peers.js';
import type { PilotConfig } from '../../wire/pilot/pilot-config.js';
import type { RunContext } from '../executor.js';
import type { ResolvedHtexOptions } from './htex-options.js';
import { ownAddresses, tcpUrl } from './pilot-job.js';

/** What one start of an executor settles, for its interchange and for every manager. */
export interface PilotRun {
  readonly interchange: InterchangeConfig;
  /** How the client proves itself to the interchange. */
  readonly security: ClientSecurity | undefined;
  /** How managers serve files to each other; absent where they do not. */
  readonly peers: PeersConfig | undefined;
  pilot(blockId: string, port: number): PilotConfig;
}

/**
 * Keys of this run: one pair for the interchange, one for the client, one for its managers. They are in this process,
 * on the interchange's stdin, and on their way to managers where {@link pilotJob} says.
 */
export async function planPilotRun(
  options: ResolvedHtexOptions,
  run: RunContext,
  { valuesUrl, mpi }: { readonly valuesUrl: string | undefined; readonly mpi: PilotConfig['mpi'] },
): Promise<PilotRun> {
  const { provider, encrypted, heartbeatMs, heartbeatThresholdMs, maxMessageBytes } = options;
  const keys = encrypted ? await makeKeys() : undefined;
  const peers = peersOf(options);
  const isNear = provider.runsOn === 'thisHost';
  const isOnLoopback = isNear && options.addresses === undefined;
  // Anew for each block: a machine's addresses come and go.
  const hosts = () => options.addresses ?? (isNear ? [LOOPBACK] : ownAddresses());
  // An interchange of the user's own may be anywhere behind its port.
  const local = options.interchangeCommand === undefined ? newLocalAddress() : undefined;
  return {
    interchange: {
      host: isOnLoopback ? LOOPBACK : '0.0.0.0',
      ports: options.ports ?? (isNear ? ANY_PORT : DEFAULT_PORTS),
      ...(local !== undefined && { local }),
      ...(keys !== undefined && { security: keys.server }),
      token: randomBytes(16).toString('hex'),
      heartbeatMs,
      heartbeatThresholdMs,
      maxMessageBytes,
      reclaimMs: heartbeatThresholdMs,
      selector: selectorOf(options),
    },
    security: keys?.client,
    peers,
    pilot: (blockId, port) => ({
      protocol: PILOT_PROTOCOL,
      sluice: VERSION,
      runId: run.runId,
      label: options.label,
      blockId,
      addresses: isOnLoopback && local !== undefined ? [local] : hosts().map((address) => tcpUrl(address, port)),
      connectTimeoutMs: options.connectTimeoutMs,
      ...(keys !== undefined && { security: keys.manager }),
      heartbeatMs,
      heartbeatThresholdMs,
      maxMessageBytes,
      ...(provider.walltimeMs !== undefined && { walltimeMs: provider.walltimeMs }),
      drainBeforeEndMs: drainBeforeEndMs(options),
      ...(options.drainPeriodMs !== undefined && { drainAfterMs: options.drainPeriodMs }),
      coresPerWorker: options.coresPerWorker,
      ...(options.memoryMiBPerWorker !== undefined && { memoryMiBPerWorker: options.memoryMiBPerWorker }),
      ...(options.maxWorkersPerNode !== undefined && { maxWorkersPerNode: options.maxWorkersPerNode }),
      prefetch: options.prefetch,
      cpuAffinity: options.cpuAffinity,
      accelerators: options.availableAccelerators,
      sharesFilesystem: provider.sharesFilesystem,
      ...(provider.sharesFilesystem && {
        scratchRoot: join(run.runDir, 'scratch', options.label),
        logFolder: join(run.runDir, 'blocks', options.label),
      }),
      ...(valuesUrl !== undefined && { spill: spillOf(options, valuesUrl) }),
      ...(peers !== undefined && { peers }),
      enforceMemory: true,
      ...(mpi !== undefined && { mpi }),
    }),
  };
}

/** How long before the end of a block its managers drain, in milliseconds. */
export function drainBeforeEndMs({ drainBeforeEndMs: given, provider }: ResolvedHtexOptions): number {
  return given ?? Math.min(60_000, (provider.walltimeMs ?? Number.POSITIVE_INFINITY) / 10);
}

function spillOf({ spillBytes, region }: ResolvedHtexOptions, url: string): NonNullable<PilotConfig['spill']> {
  return { bytes: spillBytes, url, ...(region !== undefined && { region }) };
}

function peersOf({ peerTransfers, temporaryFiles, encrypted }: ResolvedHtexOptions): PeersConfig | undefined {
  if (peerTransfers === false && temporaryFiles === 'run') return undefined;
  return {
    ...(encrypted && { key: randomBytes(KEY_BYTES).toString('hex') }),
    ...(peerTransfers !== false && { perSource: peerTransfers.perSource }),
  };
}

const KEY_BYTES = 32;
const LOOPBACK = '127.0.0.1';
const ANY_PORT = { from: 0, to: 0 };
// Those of Parsl's `worker_port_range`, which firewalls of its users know.
const DEFAULT_PORTS = { from: 54_000, to: 55_000 };

interface RunKeys {
  readonly server: ServerSecurity;
  readonly client: ClientSecurity;
  readonly manager: NonNullable<PilotConfig['security']>;
}

async function makeKeys(): Promise<RunKeys> {
  const [server, client, manager] = await Promise.all([createKeyPair(), createKeyPair(), createKeyPair()]);
  const serverKey = server.publicKey;
  return {
    server: { server, allow: [client.publicKey, manager.publicKey] },
    client: { client, serverKey },
    manager: { client: manager, serverKey },
  };
}

function selectorOf({ managerSelection }: ResolvedHtexOptions): InterchangeConfig['selector'] {
  if (typeof managerSelection === 'string') return managerSelection;
  return { module: String(managerSelection.module), export: managerSelection.export };
}
