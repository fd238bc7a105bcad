import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { quoteWord } from '../../apps/shell-quote.js';
import type { BlockJob } from '../../providers/provider.js';
import {
  encodePilotConfig,
  PILOT_FILE_VARIABLE,
  PILOT_STDIN,
  PILOT_VARIABLE,
  type PilotConfig,
} from '../../wire/pilot/pilot-config.js';
import type { ConfigFiles } from './config-files.js';
import { relayCommand } from './relay-command.js';

/** How jobs start managers. */
export interface PilotJobOptions {
  /** Shell text of the user's own. */
  readonly command: string | undefined;
  /** Absent where no disk is shared. */
  readonly files: ConfigFiles | undefined;
}

/**
 * The job of one block: starts a manager on each node, which gets all it must know, keys too. Where the disk is shared,
 * its environment names a file that has it; else the environment has it, and the shell that starts a manager hands it on
 * by standard input: what the manager and its workers were started with is for every process of this user to read.
 *
 * @throws {SluiceError} as {@link ConfigFiles.write} does
 */
export function pilotJob(config: PilotConfig, { command, files }: PilotJobOptions): BlockJob {
  const { blockId, label } = config;
  const text = encodePilotConfig(config);
  const own = relayCommand(pilotMain()).map(quoteWord).join(' ');
  const job = { blockId, name: `sluice.${label}.${blockId}` };
  if (files !== undefined) {
    const environment = { [PILOT_FILE_VARIABLE]: files.write(blockId, text) };
    return { ...job, command: command ?? `exec ${own}`, environment };
  }
  const handingOn = `exec env -u ${PILOT_VARIABLE} ${PILOT_FILE_VARIABLE}=${PILOT_STDIN} ${own} <<< "$${PILOT_VARIABLE}"`;
  return { ...job, command: command ?? handingOn, environment: { [PILOT_VARIABLE]: text } };
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
