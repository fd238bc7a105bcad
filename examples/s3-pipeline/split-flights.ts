import type { DataFile } from 'sluice';
import type { Flight } from './flights.js';

/**
 * Deals the flights to as many shards as the call has outputs, one JSON object a line, and resolves with their number.
 *
 * Flights are dealt in turn, as cards are: the dataset is sorted by time of day, and so every shard has all hours.
 */
export async function splitFlights(dataset: DataFile, io: { readonly outputs: readonly DataFile[] }): Promise<number> {
  const { readFile, writeFile } = await import('node:fs/promises');
  const flights: Flight[] = JSON.parse(await readFile(dataset.path, 'utf8'));
  const shards = io.outputs.map((output) => ({ output, lines: [] as string[] }));
  for (const [index, flight] of flights.entries()) {
    shards[index % shards.length]?.lines.push(JSON.stringify(flight));
  }
  for (const { output, lines } of shards) {
    await writeFile(output.path, lines.map((line) => `${line}\n`).join(''));
  }
  return flights.length;
}
