/** What a runner says of a process group that a command runs in. */
export interface ProcessGroupChange {
  /** The group's leader, and so its number. */
  readonly pid: number;
  /** False once the command is over and its group has been ended. */
  readonly running: boolean;
  /** Tells the leader from another process that is given its number later; absent where there is no `/proc`. */
  readonly startTicks?: string | undefined;
  /** The `SLUICE_ATTEMPT` of the command. */
  readonly mark: string;
}

/** One line of the reaper's input; `undefined` for the half of one that a dying parent may leave. */
export function parseReaperLine(line: string): ProcessGroupChange | undefined {
  try {
    return JSON.parse(line) as ProcessGroupChange;
  } catch {
    return undefined;
  }
}

/** The line that {@link parseReaperLine} reads. */
export function reaperLine({ pid, running, startTicks, mark }: ProcessGroupChange): string {
  return `${JSON.stringify({ pid, running, startTicks, mark })}\n`;
}
