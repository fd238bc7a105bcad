import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SluiceError } from '../errors.js';

/** Where runs are, unless somebody says otherwise. */
const RUNS = 'sluice-runs';

/** Absolute path of a run's directory: the one that is named, else the newest. @throws {SluiceError} `NOT_FOUND` when there is none */
export async function runDirectory(named: string | undefined): Promise<string> {
  if (named !== undefined) return resolve(named);
  const runs = await readdir(RUNS).catch(() => []);
  const newest = runs.sort().at(-1);
  if (newest !== undefined) return resolve(RUNS, newest);
  throw new SluiceError('NOT_FOUND', `there is no run below ${resolve(RUNS)}: name its directory`);
}
