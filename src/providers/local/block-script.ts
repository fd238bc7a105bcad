import type { Launcher } from '../../launchers/launcher.js';
import type { BlockJob } from '../provider.js';

/** The text of a block's script. It has nothing of the job's environment, which may be secret. */
export function blockScript(
  job: Pick<BlockJob, 'name' | 'command'>,
  { launcher, nodesPerBlock, workerInit }: { launcher: Launcher; nodesPerBlock: number; workerInit: string },
): string {
  const launched = launcher.wrap({ command: job.command, nodesPerBlock, tasksPerNode: 1 });
  const comment = `# ${job.name.replaceAll(/\s/g, ' ')}`;
  return `${['#!/bin/bash', comment, ...(workerInit === '' ? [] : [workerInit]), launched].join('\n')}\n`;
}
