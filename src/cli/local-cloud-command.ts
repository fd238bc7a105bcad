import { once } from 'node:events';
import { Command } from 'commander';
import { quoteWord } from '../apps/shell-quote.js';
import type { LocalCloudOptions } from '../local-cloud/local-cloud-options.js';
import { wholeNumber } from './whole-number.js';

/**
 * `sluice local-cloud`: serves S3 and Lambda on 127.0.0.1 until SIGINT or SIGTERM.
 *
 * When it is ready it prints the environment to set, as shell text (`eval` can read it), and nothing else, on stdout.
 */
export function localCloudCommand(): Command {
  return new Command('local-cloud')
    .description('serve S3 and Lambda on this machine, for AWS SDKs and tools')
    .option('--port <number>', 'port on 127.0.0.1 (default: a free one)', wholeNumber)
    .option('--folder <folder>', 'keep buckets and functions here (default: a temporary folder, removed at the end)')
    .option('--region <region>', 'region to play (default: us-east-1)')
    .option('--concurrency <number>', 'Lambda invocations at the same time (default: 1000)', wholeNumber)
    .action((options: LocalCloudOptions) => serve(options));
}

async function serve(options: LocalCloudOptions): Promise<void> {
  // Listening before the start: a signal that comes meanwhile still ends it cleanly.
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  // Loaded here, so that the other commands do not load a web server.
  const { startLocalCloud } = await import('../local-cloud/local-cloud.js');
  const cloud = await startLocalCloud(options);
  try {
    const lines = Object.entries(cloud.env).map(([name, value]) => `export ${name}=${quoteWord(value)}\n`);
    process.stdout.write(lines.join(''));
    process.stderr.write(`local-cloud is ready at ${cloud.endpoint}; Ctrl-C ends it\n`);
    await stopped;
  } finally {
    await cloud.close();
  }
}
