import { spawnSync } from 'node:child_process';

/**
 * Whether a test may use a server that is not part of this package. Where it is missing, tells so; where
 * `SLUICE_REQUIRE` (comma-separated names) demands it, throws instead, so that nothing is skipped in silence.
 */
export function requireOrSkip(name: string, { command, install }: { command: string; install: string }): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
  if (found) return true;
  const text = `${name}: the command '${command}' is missing (install: ${install})`;
  if ((process.env.SLUICE_REQUIRE ?? '').split(',').includes(name)) throw new Error(text);
  console.warn(`SKIPPED ${text}`);
  return false;
}
