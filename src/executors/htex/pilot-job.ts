import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { quoteWord } from '../../apps/shell-quote.js';
import type { BlockJob } from '../../providers/provider.js';
import { encodePilotConfig, PILOT_VARIABLE, type PilotConfig } from '../../wire/pilot/pilot-config.js';

/** The job of one block: starts a manager on each node, which gets all it must know, keys too, by its environment. */
export function pilotJob(config: PilotConfig, command: string | undefined): BlockJob {
  return {
    blockId: config.blockId,
    name: `sluice.${config.label}.${config.blockId}`,
    command: command ?? `exec ${[process.execPath, pilotMain()].map(quoteWord).join(' ')}`,
    environment: { [PILOT_VARIABLE]: encodePilotConfig(config) },
  };
}

/** Every address of this machine, those that others can reach first. */
export function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter(({ address }) => !address.startsWith('fe80:'));
  const outside = usable.filter(({ internal }) => !internal).map(({ address }) => address);
  return [...outside, ...usable.filter(({ internal }) => internal).map(({ address }) => address)];
}

/** `tcp://host:port`, IPv6 addresses in brackets. */
export function tcpUrl(host: string, port: number): string {
  return host.includes(':') ? `tcp://[${host}]:${port}` : `tcp://${host}:${port}`;
}

// It runs as built, whether this file does (dist) or its source (under a TypeScript runner).
function pilotMain(): string {
  return createRequire(import.meta.url).resolve('#worker/pilot-main');
}
