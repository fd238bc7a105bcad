import type { Launch, Launcher } from './launcher.js';
import {
  type ResolvedSingleNodeLauncherOptions,
  resolveSingleNodeLauncherOptions,
  type SingleNodeLauncherOptions,
} from './single-node-launcher-options.js';

/**
 * Starts every copy, those of all nodes of the block, on the node where the job's script runs, and waits for all of them.
 * Ends with 0 while any copy does (with `failOnAny`, while all do), otherwise with the code of the first that failed.
 *
 * Each copy is a process group of its own, and SIGTERM and SIGINT that reach the script are passed to each, once.
 * The copies find the number of processors in `CORES`.
 */
export class SingleNodeLauncher implements Launcher {
  readonly name = 'single-node';
  readonly #options: ResolvedSingleNodeLauncherOptions;

  /** @throws {SluiceError} `INVALID_OPTIONS` */
  constructor(options: SingleNodeLauncherOptions = {}) {
    this.#options = resolveSingleNodeLauncherOptions(options);
  }

  wrap({ command, nodesPerBlock, tasksPerNode }: Launch): string {
    const copies = nodesPerBlock * tasksPerNode;
    const tooMany = this.#options.failOnAny ? 1 : copies;
    // Under `set -m` each job of the shell gets its own process group (bash(1), JOB CONTROL). A signal interrupts `wait`,
    // which is repeated then: bash keeps the code of a child that has ended meanwhile.
    return `export CORES=$(getconf _NPROCESSORS_ONLN)
sluice_copies=() sluice_failed=0 sluice_code=0 sluice_signal=
sluice_pass_on() {
  sluice_signal=$1
  local copy
  for copy in $(jobs -p); do kill -s "$1" -- "-$copy" 2>/dev/null || :; done
}
trap 'sluice_pass_on TERM' TERM
trap 'sluice_pass_on INT' INT
set -m
for ((sluice_copy = 0; sluice_copy < ${copies}; sluice_copy++)); do
  [ -z "$sluice_signal" ] || break
  (
set +m
${command}
  ) < /dev/null &
  sluice_copies+=("$!")
done
set +m
if [ "\${#sluice_copies[@]}" -lt ${copies} ]; then
  sluice_failed=$((${copies} - \${#sluice_copies[@]})) sluice_code=143
fi
for sluice_copy in "\${sluice_copies[@]}"; do
  while
    sluice_signal=
    wait "$sluice_copy"
    sluice_ended=$?
    [ -n "$sluice_signal" ]
  do :; done
  [ "$sluice_ended" -eq 0 ] && continue
  [ "$sluice_failed" -gt 0 ] || sluice_code=$sluice_ended
  sluice_failed=$((sluice_failed + 1))
done
trap - TERM INT
[ "$sluice_failed" -lt ${tooMany} ] || (exit "$sluice_code")`;
  }
}
