import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { Check } from './fixture.js';
import { runText } from './run-text.js';

const TWO_NODES = { nodesPerBlock: 2, tasksPerNode: 1 };
// The first copy that gets the folder fails; the others come to nothing else.
const ONE_FAILS = 'if mkdir first 2>/dev/null; then exit 9; fi';

/** The text ends when all copies have ended, with a code that tells of failures. */
export function exitCodes(check: Check): void {
  check('it ends when the last copy does, and not before', async (stage) => {
    const launch = { ...TWO_NODES, command: 'mkdir first 2>/dev/null || sleep 0.7; touch "ended-$BASHPID"' };
    const { exitCode, output } = await runText(stage, launch);
    assert.equal(exitCode, 0, output);
    const ended = (await readdir(stage.folder)).filter((name) => name.startsWith('ended-'));
    assert.equal(ended.length, stage.copies(launch));
  });

  check('it fails when every copy fails', async (stage) => {
    const { exitCode } = await runText(stage, { ...TWO_NODES, command: 'exit 7' });
    assert.notEqual(exitCode, 0);
  });

  check('it fails when every copy is killed', async (stage) => {
    const { exitCode } = await runText(stage, { ...TWO_NODES, command: 'kill -KILL "$BASHPID"' });
    assert.notEqual(exitCode, 0);
  });

  check('when one of several fails, it fails or not, as declared', async (stage) => {
    const launch = { ...TWO_NODES, command: ONE_FAILS };
    const { exitCode } = await runText(stage, launch);
    const fails = stage.failsOn === 'any' || stage.copies(launch) === 1;
    assert.equal(exitCode !== 0, fails, `exit code ${exitCode}`);
  });

  check('when one fails at once, the others are waited for, or ended: none is left', async (stage) => {
    const launch = { ...TWO_NODES, command: `${ONE_FAILS}\ntouch "began-$BASHPID"; sleep 0.5; touch "ended-$BASHPID"` };
    await runText(stage, launch);
    const names = await readdir(stage.folder);
    const pids = (prefix: string) => names.filter((name) => name.startsWith(prefix)).map((name) => name.split('-')[1]);
    const cutOff = pids('began').filter((pid) => !pids('ended').includes(pid));
    for (const pid of cutOff) assert.throws(() => process.kill(Number(pid), 0), `copy ${pid} was left`);
  });
}
