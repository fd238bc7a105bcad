import { Command } from 'commander';
import type { StagingManager } from '../data/staging-manager.js';
import { SluiceError } from '../errors.js';
import { optimizeLate } from '../run/optimizing.js';
import { catFiles } from './stage/cat-files.js';
import { copyAll } from './stage/copy-all.js';
import { listAll } from './stage/list-all.js';
import { removeAll } from './stage/remove-all.js';

/** `sluice stage`: what apps can read and write, from a shell. */
export function stageCommand(): Command {
  return new Command('stage')
    .description('list, copy, remove and print files by their URLs, with the staging that apps use')
    .addHelpText('after', HELP)
    .addCommand(
      new Command('ls')
        .description('list files, folders (a trailing /) and globs, each with its size in bytes')
        .argument('<url...>')
        .option('--json', 'a line of JSON for each: url, size, tag')
        .action((urls: string[], flags: { json?: true }) =>
          withStaging((staging, signal) => listAll(staging, { urls, ...flags, signal })),
        ),
    )
    .addCommand(
      new Command('cp')
        .description('copy files; several of them, a folder or a glob go below a target that ends in /')
        .usage('[options] <source...> <target>')
        .argument('<url...>', 'sources, and where they go')
        .option('-r, --recursive', 'also folders, with all that is below them')
        .option('-q, --quiet', 'no progress on stderr')
        .action((urls: string[], flags: CopyFlags, command: Command) => {
          const target = urls.at(-1) as string;
          if (urls.length < 2) command.error("error: missing required argument 'target'");
          return withStaging((staging, signal) =>
            copyAll(staging, { sources: urls.slice(0, -1), target, ...flags, signal }),
          );
        }),
    )
    .addCommand(
      new Command('rm')
        .description('remove files; one that is not there counts as removed')
        .argument('<url...>')
        .option('-r, --recursive', 'also folders, with all that is below them')
        .action((urls: string[], flags: { recursive?: true }) =>
          withStaging((staging, signal) => removeAll(staging, { urls, ...flags, signal })),
        ),
    )
    .addCommand(
      new Command('cat')
        .description('write files to stdout, one after the other')
        .argument('<url...>')
        .action((urls: string[]) => withStaging((staging, signal) => catFiles(staging, { urls, signal }))),
    );
}

interface CopyFlags {
  readonly recursive?: true;
  readonly quiet?: true;
}

const HELP = `
URLs are what apps take: s3://bucket/key, file:///path, a path, …
Globs (* ? ** {a,b} [a-z], \\ before a character that stands for itself) have to be quoted for the shell.`;

async function withStaging(run: (staging: StagingManager, signal: AbortSignal) => Promise<void>): Promise<void> {
  optimizeLate();
  // Loaded here, so that the other commands do not load it.
  const { createStores } = await import('../worker/stores.js');
  const stores = createStores();
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new SluiceError('CANCELLED', 'stopped'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await run(stores.staging(), stop.signal);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await stores.close();
  }
}
