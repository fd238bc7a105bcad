import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'sluice';
import { configFor } from './parallel-patterns/config.js';
import { HELP, parsePatternOptions } from './parallel-patterns/options.js';
import * as patterns from './parallel-patterns/patterns.js';

// Parsl's patterns, one by one. Where they run is said here and nowhere else: --executor threads, or htex.
async function showPatterns(executor: 'threads' | 'htex'): Promise<void> {
  await using _flow = await load(configFor(executor));
  const folder = await mkdtemp(join(tmpdir(), 'parallel-patterns-'));
  try {
    show('bag of tasks', (await patterns.bagOfTasks()).join(' '));
    show('sequential', await patterns.sequential(join(folder, 'output.txt')));
    show('parallel', (await patterns.parallel()).join(' '));
    const { numbers, total } = await patterns.parallelDataflow(folder);
    show('parallel dataflow', `${numbers.join(' + ')} = ${total}`);
    show('hello files', await patterns.helloFiles(folder));
    const { doubled, tookMs } = await patterns.doubledXAndY(1_000);
    show('doubled x and y', `${doubled}, after ${(tookMs / 1_000).toFixed(1)} s for three tasks of a second`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function show(pattern: string, text: string): void {
  const column = 20;
  console.log(pattern.padEnd(column) + text.trimEnd().replaceAll('\n', `\n${' '.repeat(column)}`));
}

try {
  const options = parsePatternOptions(process.argv.slice(2));
  if (options === 'help') console.log(HELP);
  else await showPatterns(options.executor);
} catch (error) {
  console.error(`parallel-patterns: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
