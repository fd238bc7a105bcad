/**
 * The main of a manager: one a node, started by a block's job. Its configuration is in the file that `SLUICE_PILOT_FILE`
 * names, or in `SLUICE_PILOT`. Ends with 0 when it was drained or stopped, with 1 and a reason on stderr when it
 * could not start, was refused or lost its interchange, with 143 when SIGTERM left it too little time.
 */
import { NodeFiles } from '../data/peers/node-files.js';
import { messageOf } from '../errors.js';
import { startPilot } from '../pilot/pilot.js';
import { openPilotLink } from '../transport/pilot-link.js';
import { takePilotConfig } from './take-pilot-config.js';

async function main(): Promise<number> {
  const pilot = await startPilot(takePilotConfig(), {
    openLink: openPilotLink,
    createNodeFiles: (options) => new NodeFiles(options),
    environment: process.env,
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => pilot.terminate(`it got ${signal}`));
  }
  const { exitCode, reason } = await pilot.ended;
  process.stderr.write(`sluice: manager ${pilot.id} ended: ${reason}\n`);
  return exitCode;
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(`sluice: the manager of this node cannot start: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
