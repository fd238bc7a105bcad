import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes the summary of a run to `summary.txt` in its folder, and to stderr when there are failures that nobody has
 * looked at. A folder that was removed meanwhile is left alone.
 */
export async function reportSummary(runDir: string, summary: string, unseenFailures: number): Promise<void> {
  if (unseenFailures > 0) process.stderr.write(summary);
  await writeFile(join(runDir, 'summary.txt'), summary).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
