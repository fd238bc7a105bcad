import { Command } from 'commander';
import { SluiceError } from '../errors.js';
import type { HtexStatus } from '../executors/htex/high-throughput-executor.js';
import type { InstructAnswer, RunStatus } from '../run/control-socket.js';
import type { ManagerInfo } from '../wire/pilot/messages.js';
import { askRun } from './ask-run.js';

interface TargetFlags {
  readonly executor: string;
  readonly manager?: string;
  readonly block?: string;
}

/** `sluice htex`: blocks and managers of the pilot executors of a run, seen and steered from outside. */
export function htexCommand(): Command {
  const htex = new Command('htex').description('see and steer the blocks and managers of a run');
  htex
    .command('status')
    .description('show blocks, managers and what they have')
    .argument('[run-dir]', 'directory of the run (default: the newest below sluice-runs)')
    .option('--json', 'as one line of JSON')
    .action(async (runDir: string | undefined, flags: { readonly json?: boolean }) => {
      const { executors } = await askRun<RunStatus>(runDir, { ask: 'status' });
      process.stdout.write(flags.json === true ? `${JSON.stringify(executors)}\n` : text(pilotExecutors(executors)));
    });
  for (const [name, description] of INSTRUCTIONS) htex.addCommand(instructCommand(name, description));
  return htex;
}

const INSTRUCTIONS = [
  ['hold', 'give a manager or a block no more tasks'],
  ['release', 'give it tasks again'],
  ['drain', 'give it no more tasks, and end it once it has none'],
] as const;

function instructCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument('[run-dir]', 'directory of the run (default: the newest below sluice-runs)')
    .option('--executor <label>', 'label of the executor', 'htex')
    .option('--manager <id>', 'one manager')
    .option('--block <id>', 'every manager of a block')
    .action(async (runDir: string | undefined, flags: TargetFlags, command: Command) => {
      const target = targetOf(flags) ?? command.error('error: name a --manager or a --block, and one of them only');
      const instruction = { name, target };
      const answer = await askRun<InstructAnswer>(runDir, {
        ask: 'instruct',
        executor: flags.executor,
        instruction,
      });
      if ('error' in answer) throw new SluiceError(answer.error.code, answer.error.message);
      const { managers } = answer.done as { managers: readonly ManagerInfo[] };
      if (managers.length === 0) throw new SluiceError('NOT_FOUND', 'no manager that is connected is meant by that');
      process.stdout.write(managers.map(managerLine).join(''));
    });
}

function targetOf({ manager, block }: TargetFlags): { manager: string } | { block: string } | undefined {
  if (manager !== undefined) return block === undefined ? { manager } : undefined;
  return block === undefined ? undefined : { block };
}

function pilotExecutors(executors: RunStatus['executors']): readonly (readonly [string, HtexStatus])[] {
  return Object.entries(executors).filter((entry): entry is [string, HtexStatus] => 'managers' in entry[1]);
}

function text(executors: readonly (readonly [string, HtexStatus])[]): string {
  if (executors.length === 0) return 'this run has no executor with blocks\n';
  return executors.map(([label, status]) => executorText(label, status)).join('');
}

function executorText(label: string, { outstanding, blocks, managers }: HtexStatus): string {
  const head = `executor ${label}: ${outstanding} tasks outstanding, ${blocks.length} blocks, ${managers.length} managers\n`;
  const blockLines = blocks.map(({ blockId, jobId, state }) => `  ${blockId}: ${state.kind}, job ${jobId ?? '-'}\n`);
  return `${head}${blockLines.join('')}${managers.map(managerLine).join('')}`;
}

function managerLine(manager: ManagerInfo): string {
  const { id, blockId, host, state, slots, usedSlots, outstanding, sluice, node, kept } = manager;
  const { cores, memoryMiB, accelerators, silentForMs } = manager;
  const devices = accelerators === 0 ? '' : `, ${accelerators} accelerators`;
  const { files: count = 0, bytes = 0 } = kept ?? {};
  const files = count === 0 ? '' : `, keeps ${count} temporary files (${Math.ceil(bytes / 2 ** 20)} MiB)`;
  return `  ${id} (${blockId} on ${host}): ${state}, ${outstanding} tasks on ${usedSlots} of ${slots} slots; ${cores} cores, ${memoryMiB} MiB${devices}${files}; sluice ${sluice}, node ${node}; heard ${(silentForMs / 1000).toFixed(1)} s ago\n`;
}
