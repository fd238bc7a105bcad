import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { quoteWord } from '../apps/shell-quote.js';
import { messageOf, SluiceError } from '../errors.js';
import type { FaultRule } from '../local-cloud/faults/fault.js';
import type { LocalCloudOptions } from '../local-cloud/local-cloud-options.js';
import { wholeNumber } from './whole-number.js';

/**
 * `sluice local-cloud`: serves S3, Lambda and Cloud Storage on 127.0.0.1 until SIGINT or SIGTERM.
 *
 * When it is ready it prints the environment to set, as shell text (`eval` can read it), and nothing else, on stdout.
 */
export function localCloudCommand(): Command {
  return new Command('local-cloud')
    .description('serve S3, Lambda and Cloud Storage on this machine, for the SDKs and tools of AWS and Google')
    .option('--port <number>', 'port on 127.0.0.1 (default: a free one)', wholeNumber)
    .option('--folder <folder>', 'keep buckets and functions here (default: a temporary folder, removed at the end)')
    .option('--region <region>', 'region to play (default: us-east-1)')
    .option('--project <id>', 'Google Cloud project to play (default: local-cloud)')
    .option('--concurrency <number>', 'Lambda invocations at the same time (default: 1000)', wholeNumber)
    .option('--faults <file>', 'what is to go wrong: a JSON list of rules; each fault is told on stderr')
    .option('--fault-seed <number>', 'seed of the random numbers of the faults (default: 1)', wholeNumber)
    .action(({ faults, ...options }: CommandOptions) => serve(options, faults));
}

type CommandOptions = Omit<LocalCloudOptions, 'faults'> & { readonly faults?: string };

async function serve(options: LocalCloudOptions, faultsFile: string | undefined): Promise<void> {
  // Listening before the start: a signal that comes meanwhile still ends it cleanly.
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  // Loaded here, so that the other commands do not load a web server.
  const { startLocalCloud } = await import('../local-cloud/local-cloud.js');
  const faults = faultsFile === undefined ? [] : await readFaults(faultsFile);
  const cloud = await startLocalCloud({ ...options, faults, log: (line) => process.stderr.write(`${line}\n`) });
  try {
    const lines = Object.entries(cloud.env).map(([name, value]) => `export ${name}=${quoteWord(value)}\n`);
    process.stdout.write(lines.join(''));
    process.stderr.write(`local-cloud is ready at ${cloud.endpoint}; Ctrl-C ends it\n`);
    await stopped;
  } finally {
    await cloud.close();
  }
}

// What the rules themselves must be is checked where they are set.
async function readFaults(path: string): Promise<readonly FaultRule[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new SluiceError('INVALID_OPTIONS', `--faults ${path}: ${messageOf(cause)}`, { cause });
  }
}
