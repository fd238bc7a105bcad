#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { SluiceError } from '../errors.js';
import { VERSION } from '../version.js';
import { deployCommand } from './deploy-command.js';
import { eventsCommand } from './events-command.js';
import { htexCommand } from './htex-command.js';
import { localCloudCommand } from './local-cloud-command.js';
import { perfCommand } from './perf-command.js';
import { stageCommand } from './stage-command.js';
import { statusCommand } from './status-command.js';

// The AWS SDK warns once a process that releases of 2027 will not run on Node 20: this package pins earlier ones.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const program = new Command('sluice')
  .description('apps, futures and a client-side DataFlowKernel over threads, AWS Lambda and staged files')
  .version(VERSION)
  .option('--debug', 'show stack traces of errors')
  .exitOverride()
  .addCommand(localCloudCommand())
  .addCommand(deployCommand())
  .addCommand(perfCommand())
  .addCommand(stageCommand())
  .addCommand(statusCommand())
  .addCommand(eventsCommand())
  .addCommand(htexCommand());

// 128 + SIGINT, as shells count.
const STOPPED = 130;

for (const command of program.commands) {
  command.exitOverride();
  for (const below of command.commands) below.exitOverride();
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong on stderr; the answer is the exit code: 2 for a wrong command line, 130 when stopped, else 1. */
function report(error: unknown): number {
  // Commander has said it already; help and version come this way too, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const code = error instanceof SluiceError ? ` (${error.code})` : '';
  const debug = program.opts<{ debug?: boolean }>().debug === true;
  process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}${code}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n${causes(error)}`);
  return error instanceof SluiceError && error.code === 'CANCELLED' ? STOPPED : 1;
}

function causes(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `caused by: ${cause.stack}\n${causes(cause)}` : '';
}
