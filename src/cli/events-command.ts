import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { SluiceError } from '../errors.js';
import type { RunEvent } from '../monitoring/event.js';
import { eventsOf } from '../run/event-line.js';
import { runDirectory } from './run-directory.js';
import { wholeNumber } from './whole-number.js';

/** `sluice events`: what has happened in a run, that is under way or over. */
export function eventsCommand(): Command {
  return new Command('events')
    .description('write the events of a run, each as a line of JSON')
    .argument('[run-dir]', 'directory of the run (default: the newest below sluice-runs)')
    .option('--task <number>', 'only those of this task', wholeNumber)
    .action(async (runDir: string | undefined, { task }: { readonly task?: number }) => {
      const events = eventsIn(join(await runDirectory(runDir), 'events.ndjson'));
      await print(events, (event) => task === undefined || event.taskId === task);
    });
}

async function print(
  events: AsyncIterable<readonly RunEvent[]>,
  isWanted: (event: RunEvent) => boolean,
): Promise<void> {
  async function* texts(): AsyncGenerator<string> {
    for await (const some of events) {
      const text = some.filter(isWanted).map((event) => `${JSON.stringify(event)}\n`);
      if (text.length > 0) yield text.join('');
    }
  }
  try {
    await pipeline(Readable.from(texts()), process.stdout, { end: false });
  } catch (error) {
    // Whoever reads has had enough: `sluice events | head`.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** The events of each line. */
async function* eventsIn(path: string): AsyncGenerator<readonly RunEvent[]> {
  const file = await open(path).catch((cause: unknown) => {
    throw new SluiceError('NOT_FOUND', `there are no events at ${path}`, { cause });
  });
  let number = 0;
  let failure: SluiceError | undefined;
  for await (const line of file.readLines()) {
    // Only the last line may be less than whole: its client was killed while it wrote it.
    if (failure !== undefined) throw failure;
    number += 1;
    try {
      yield eventsOf(line);
    } catch (cause) {
      failure = new SluiceError('PROTOCOL', `line ${number} of ${path} is not understood`, { cause });
    }
  }
}
