import { SluiceError } from '../errors.js';
import { type BlockInfo, type BlockState, byBlockNumber } from './block.js';

/** Kinds of failure that a message shows in full. */
const SHOWN = 4;
const LINES = 10;

type Ended = BlockState & { readonly kind: 'ended' };

/**
 * An error `BLOCKS_FAILED` that says of each block its job, how it ended, its exit code and the last lines it wrote, once
 * for all blocks where that is the same, and what to do.
 *
 * @param summary the first line: `none of 3 blocks could be started`
 */
export function blocksFailed(summary: string, failed: readonly BlockInfo[], provider: string): SluiceError {
  const groups = groupAlike(failed.toSorted(byBlockNumber));
  const shown = groups.slice(0, SHOWN).map(({ blocks, text }) => `${blocks.map(nameOf).join(', ')}: ${text}`);
  const more = groups.length > SHOWN ? [`… and ${groups.length - SHOWN} that failed in other ways`] : [];
  const first = `provider '${provider}': ${summary}`;
  return new SluiceError('BLOCKS_FAILED', [first, ...shown, ...more, adviceFor(failed)].join('\n'));
}

function groupAlike(blocks: readonly BlockInfo[]): readonly { blocks: BlockInfo[]; text: string }[] {
  const byText = new Map<string, BlockInfo[]>();
  for (const block of blocks) {
    const text = block.state.kind === 'ended' ? describe(block.state, block.jobId) : block.state.kind;
    byText.set(text, [...(byText.get(text) ?? []), block]);
  }
  return [...byText].map(([text, alike]) => ({ blocks: alike, text }));
}

function nameOf({ blockId, jobId }: BlockInfo): string {
  return `${blockId} (${jobId === undefined ? 'no job' : `job ${jobId}`})`;
}

function describe({ reason, exitCode, message, stdoutTail, stderrTail }: Ended, jobId: string | undefined): string {
  const code = exitCode === undefined ? '' : `, exit code ${exitCode}`;
  const said = message === undefined ? '' : `: ${message}`;
  const output = jobId === undefined ? [] : outputLines(stderrTail, stdoutTail);
  return [`${reason}${code}${said}`, ...output].join('\n');
}

/** What it wrote to stderr; to stdout, where that is all there is. */
function outputLines(stderrTail = '', stdoutTail = ''): readonly string[] {
  const text = stderrTail.trim() === '' ? stdoutTail : stderrTail;
  const lines = text.trimEnd().split('\n').slice(-LINES);
  return text.trim() === '' ? ['  (nothing on stderr)'] : lines.map((line) => `  | ${line}`);
}

function adviceFor(blocks: readonly BlockInfo[]): string {
  const ends = blocks.flatMap(({ state }) => (state.kind === 'ended' ? [state] : []));
  if (blocks.every(({ jobId }) => jobId === undefined)) {
    return 'The provider took none of these jobs: check its options (queue, account, limits) against the message above.';
  }
  // Exit codes of a shell that does not find, or may not run, its command (POSIX.1-2017, Shell Command Language, 2.8.2).
  if (ends.some(({ exitCode }) => exitCode === 126 || exitCode === 127)) {
    return 'A command was not found or may not be run: see that `node` and what the launcher needs are on the PATH of the nodes, or load them in `workerInit`.';
  }
  return "Scripts and whole output of the blocks are in `blocks/` of the run's folder: run a script by hand on a node to see what it lacks.";
}
