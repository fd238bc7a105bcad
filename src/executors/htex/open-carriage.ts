import { join } from 'node:path';
import { openRunBucket } from '../../run-bucket/run-bucket.js';
import type { RunContext } from '../executor.js';
import { createBucketSpill } from './bucket-spill.js';
import { Carriage } from './carriage.js';
import type { ResolvedHtexOptions } from './htex-options.js';
import { RecycledCalls } from './recycled-calls.js';
import { createFolderSpill } from './value-spill.js';

/**
 * The way of files and large values between a client and its workers: the shared disk where there is one, else the
 * bucket where there is one, else none. Rejects as {@link openRunBucket} does.
 */
export async function openCarriage(options: ResolvedHtexOptions, run: RunContext): Promise<Carriage> {
  const { label, spillBytes, bucket: name, temporaryFiles } = options;
  const { sharesFilesystem, runsOn } = options.provider;
  const parts = { label, spillBytes, sharesFilesystem, keepsTemporary: temporaryFiles === 'node' };
  if (sharesFilesystem) {
    const folder = join(run.runDir, 'values', label);
    // What another machine has read of a file it may go on seeing when that is written anew.
    const calls = runsOn === 'thisHost' && { calls: new RecycledCalls(join(folder, 'calls')) };
    return new Carriage({ ...parts, bucket: undefined, spill: createFolderSpill(folder), ...calls });
  }
  if (name === undefined) return new Carriage({ ...parts, bucket: undefined, spill: undefined });
  const bucket = await openRunBucket(run.openStore, { ...options, bucket: name, runId: run.runId });
  return new Carriage({ ...parts, bucket, spill: createBucketSpill(bucket) });
}
