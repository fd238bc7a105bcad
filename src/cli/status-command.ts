import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { SluiceError } from '../errors.js';
import type { RunStatus } from '../run/control-socket.js';

/** `sluice status`: what a run that is under way is doing. */
export function statusCommand(): Command {
  return new Command('status')
    .description('show what a run is doing')
    .argument('[run-dir]', 'directory of the run (default: the newest below sluice-runs)')
    .option('--json', 'as one line of JSON')
    .action(async (runDir: string | undefined, flags: { readonly json?: boolean }) => {
      const status = await askRun(runDir ?? (await newestRun('sluice-runs')));
      process.stdout.write(flags.json === true ? `${JSON.stringify(status)}\n` : text(status));
    });
}

async function newestRun(root: string): Promise<string> {
  const runs = await readdir(root).catch(() => []);
  const newest = runs.sort().at(-1);
  if (newest === undefined)
    throw new SluiceError('NOT_FOUND', `there is no run below ${resolve(root)}: name its directory`);
  return join(root, newest);
}

async function askRun(runDir: string): Promise<RunStatus> {
  const path = join(resolve(runDir), 'control.sock');
  const socket = connect(path);
  let answer = '';
  try {
    for await (const chunk of socket) answer += String(chunk);
    return JSON.parse(answer) as RunStatus;
  } catch (cause) {
    throw new SluiceError('NOT_FOUND', `no run answers at ${path}: it has ended, or never was`, { cause });
  } finally {
    socket.destroy();
  }
}

function text({ runId, pid, stats }: RunStatus): string {
  const apps = Object.entries(stats.byApp).map(
    ([app, { total, done, failed }]) =>
      `  ${app}: ${done} of ${total} done${failed === 0 ? '' : `, ${failed} failed`}\n`,
  );
  const executors = Object.entries(stats.byExecutor).map(
    ([label, { tasks, attempts }]) => `  ${label}: ${tasks} tasks in ${attempts} attempts\n`,
  );
  return `run ${runId} (process ${pid})\napps\n${apps.join('')}executors\n${executors.join('')}`;
}
