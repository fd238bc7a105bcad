/**
 * The main of a manager: one a node, started by a block's job. Its configuration is in `SLUICE_PILOT`, or in the file
 * that `SLUICE_PILOT_FILE` names. Ends with 0 when it was drained or stopped, with 1 and a reason on stderr when it
 * could not start, was refused or lost its interchange, with 143 when SIGTERM left it too little time.
 */
import { readFileSync } from 'node:fs';
import { messageOf } from '../errors.js';
import { startPilot } from '../pilot/pilot.js';
import { openPilotLink } from '../transport/pilot-link.js';
import {
  decodePilotConfig,
  PILOT_FILE_VARIABLE,
  PILOT_VARIABLE,
  type PilotConfig,
} from '../wire/pilot/pilot-config.js';

async function main(): Promise<number> {
  const pilot = await startPilot(takeConfig(), { openLink: openPilotLink, environment: process.env });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => pilot.terminate(`it got ${signal}`));
  }
  const { exitCode, reason } = await pilot.ended;
  process.stderr.write(`sluice: manager ${pilot.id} ended: ${reason}\n`);
  return exitCode;
}

// Tasks inherit the environment, and must not see the keys.
function takeConfig(): PilotConfig {
  const { [PILOT_VARIABLE]: inline, [PILOT_FILE_VARIABLE]: file } = process.env;
  delete process.env[PILOT_VARIABLE];
  delete process.env[PILOT_FILE_VARIABLE];
  const text = inline ?? (file === undefined ? undefined : readFileSync(file, 'utf8').trim());
  if (text === undefined) {
    throw new Error(`there is no ${PILOT_VARIABLE} in the environment: managers are started by an executor`);
  }
  return decodePilotConfig(text);
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(`sluice: the manager of this node cannot start: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
