import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { Check } from './fixture.js';
import { allGone, namesThere, startText } from './run-text.js';

// A pilot in small: asked to end it says so, each time, and ends a moment later. The loop lets bash run its trap.
const PILOT = `sluice_asked=
trap 'touch "asked-$BASHPID-$RANDOM-$RANDOM"; sluice_asked=1' TERM
touch "runs-$BASHPID"
until [ -n "$sluice_asked" ]; do sleep 0.05; done
sleep 0.3
touch "ended-$BASHPID"`;
const SHAPE = { nodesPerBlock: 2, tasksPerNode: 1 };

/** SIGTERM, as schedulers send it before they kill, reaches every copy and lets it end in order. */
export function termination(check: Check): void {
  check("SIGTERM to the script's process group ends every copy in its own way, and then the script", async (stage) => {
    const { folder } = stage;
    // A program below a shell, as pilots are: the shell may go first.
    const launch = { ...SHAPE, command: `bash -c '${PILOT.replaceAll("'", `'\\''`)}'` };
    const count = stage.copies(launch);
    const text = startText(stage, launch);
    const running = await namesThere(folder, 'runs-', count);
    text.signal('group');
    const ended = await namesThere(folder, 'ended-', count);
    assert.equal(ended.length, count);
    await text.ended;
    await allGone(running);
  });

  check('SIGTERM to the shell alone reaches the copies once each, or ends the shell, as declared', async (stage) => {
    const { folder, passesTermination } = stage;
    const launch = { ...SHAPE, command: `bash -c '${PILOT.replaceAll("'", `'\\''`)}'\ntrue` };
    const count = stage.copies(launch);
    const text = startText(stage, launch);
    const running = await namesThere(folder, 'runs-', count);
    text.signal('shell');
    if (passesTermination) {
      await namesThere(folder, 'ended-', count);
      assert.equal((await readdir(folder)).filter((name) => name.startsWith('asked-')).length, count);
    } else text.signal('group');
    await text.ended;
    await allGone(running);
  });
}
