import { Command } from 'commander';
import type { ExecutorStats } from '../kernel/run-stats.js';
import type { RunStatus } from '../run/control-socket.js';
import { askRun } from './ask-run.js';

/** `sluice status`: what a run that is under way is doing. */
export function statusCommand(): Command {
  return new Command('status')
    .description('show what a run is doing')
    .argument('[run-dir]', 'directory of the run (default: the newest below sluice-runs)')
    .option('--json', 'as one line of JSON')
    .action(async (runDir: string | undefined, flags: { readonly json?: boolean }) => {
      const status = await askRun<RunStatus>(runDir, { ask: 'status' });
      process.stdout.write(flags.json === true ? `${JSON.stringify(status)}\n` : text(status));
    });
}

function text({ runId, pid, stats }: RunStatus): string {
  const apps = Object.entries(stats.byApp).map(
    ([app, { total, done, failed }]) =>
      `  ${app}: ${done} of ${total} done${failed === 0 ? '' : `, ${failed} failed`}\n`,
  );
  const executors = Object.entries(stats.byExecutor).map(
    ([label, stats]) => `  ${label}: ${stats.tasks} tasks in ${stats.attempts} attempts${cacheOf(stats)}\n`,
  );
  return `run ${runId} (process ${pid})\napps\n${apps.join('')}executors\n${executors.join('')}`;
}

function cacheOf({ cacheHits: hits, cacheMisses, cacheHitBytes, peerInputs, peerBytes }: ExecutorStats): string {
  const inputs = hits + cacheMisses;
  if (inputs === 0) return '';
  const peers = peerInputs === 0 ? '' : `, ${peerInputs} from other nodes (${mebibytes(peerBytes)})`;
  return `, ${hits} of ${inputs} inputs from caches (${mebibytes(cacheHitBytes)})${peers}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
