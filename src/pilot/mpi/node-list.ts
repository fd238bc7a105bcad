import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf, SluiceError } from '../../errors.js';

const SCONTROL_TIMEOUT_MS = 30_000;

/**
 * The nodes of the block that this process runs in, each once, in the scheduler's order: from `SLURM_JOB_NODELIST`
 * (`SLURM_NODELIST` in older releases), from the file that `PBS_NODEFILE` names, or `localhost` where there is neither.
 *
 * Sources: sbatch(1), OUTPUT ENVIRONMENT VARIABLES; scontrol(1), `show hostnames`; qsub(1B) of OpenPBS: `PBS_NODEFILE`
 * has a line for each process, so that nodes may stand there more than once.
 *
 * @throws {SluiceError} `COMMAND_FAILED` when the scheduler does not tell; `signal.reason` once aborted
 */
export async function nodesOfBlock(
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const slurm = environment.SLURM_JOB_NODELIST ?? environment.SLURM_NODELIST;
  if (isSet(slurm)) return parseNodes(await showHostnames(slurm, environment, signal), `scontrol, of ${slurm}`);
  const pbs = environment.PBS_NODEFILE;
  if (isSet(pbs)) return parseNodes(await nodeFile(pbs, signal), pbs);
  return ['localhost'];
}

/**
 * Names of nodes, one a line, each kept once.
 *
 * @param source names where the text is from, in the error
 * @throws {SluiceError} `COMMAND_FAILED` when there is none
 */
export function parseNodes(text: string, source: string): readonly string[] {
  const names = text.split('\n').map((line) => line.trim());
  const nodes = [...new Set(names.filter((name) => name !== ''))];
  if (nodes.length === 0) throw new SluiceError('COMMAND_FAILED', `no nodes of this block: ${source} names none`);
  return nodes;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

async function showHostnames(
  list: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> {
  try {
    const options = { env, signal, timeout: SCONTROL_TIMEOUT_MS };
    const { stdout } = await promisify(execFile)('scontrol', ['show', 'hostnames', list], options);
    return stdout;
  } catch (error) {
    signal.throwIfAborted();
    const text = `the nodes of this block are not known: scontrol show hostnames ${list}: ${messageOf(error)}`;
    throw new SluiceError('COMMAND_FAILED', text, { cause: error });
  }
}

async function nodeFile(path: string, signal: AbortSignal): Promise<string> {
  try {
    return await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    const text = `the nodes of this block are not known: PBS_NODEFILE ${path}: ${messageOf(error)}`;
    throw new SluiceError('COMMAND_FAILED', text, { cause: error });
  }
}
