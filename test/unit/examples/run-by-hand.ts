import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { file } from 'sluice';
import { aggregateShard } from '../../../examples/s3-pipeline/aggregate-shard.js';
import { BAND_EDGES_MILES } from '../../../examples/s3-pipeline/bands.js';
import type { Flight } from '../../../examples/s3-pipeline/flights.js';
import { mergeAggregates } from '../../../examples/s3-pipeline/merge-aggregates.js';
import { reduceTree } from '../../../examples/s3-pipeline/reduce-tree.js';
import { type ReportRow, readReport } from '../../../examples/s3-pipeline/report-rows.js';
import { sortTable } from '../../../examples/s3-pipeline/sort-table.js';
import { tabulate } from '../../../examples/s3-pipeline/tabulate.js';
import { sh } from '../../../src/apps/shell-quote.js';

const run = promisify(execFile);

/** The report the pipeline's own functions make of the shards, one after another and without a kernel. */
export async function reportByHand(shards: readonly (readonly Flight[])[]): Promise<ReportRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-flights-'));
  try {
    const parts = await Promise.all(
      shards.map(async (flights, index) => {
        const path = join(directory, `${index}.ndjson`);
        await writeFile(path, flights.map((flight) => `${JSON.stringify(flight)}\n`).join(''));
        return aggregateShard(file(path), BAND_EDGES_MILES);
      }),
    );
    const table = file(join(directory, 'table.csv'));
    await tabulate(reduceTree(parts, 4, mergeAggregates), BAND_EDGES_MILES, { outputs: [table] });
    const outputs = [file(join(directory, 'a report.csv')), file(join(directory, 'copy.csv'))];
    await run('/bin/bash', ['-c', String(sortTable(table, { outputs, sh }))]);
    await sameContent(outputs.map(({ path }) => path));
    return await readReport(file(join(directory, 'copy.csv')));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function sameContent(paths: readonly string[]): Promise<void> {
  const contents = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  if (new Set(contents).size !== 1) throw new Error(`${paths.join(' and ')} differ`);
}
