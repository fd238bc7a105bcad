import assert from 'node:assert/strict';
import type { Check } from './fixture.js';
import { refusal, soon, textIn, whenGone } from './outcomes.js';

// A shell and a child, which tell who they are and go on.
const LONG = 'sleep 600 & echo "$$ $!" > "$0"; wait';

/** Whatever is too slow or no longer wanted ends, with all it started. */
export function endings(check: Check): void {
  check('a command that takes too long is COMMAND_FAILED, and is ended with its children', async (place) => {
    const { channel, folder } = place;
    const slow = channel.run(['sh', '-c', LONG, `${folder}/pids`], { ...soon(), timeoutMs: 700 });
    await refusal(slow, 'COMMAND_FAILED', /700 ms/);
    await whenGone(channel, await textIn(channel, `${folder}/pids`));
  });

  check('an aborted command rejects with the reason, and is ended with its children', async (place) => {
    const { channel, folder } = place;
    const stop = new AbortController();
    const slow = channel.run(['sh', '-c', LONG, `${folder}/pids`], { ...soon(), signal: stop.signal });
    const rejected = assert.rejects(slow, /no longer wanted/);
    const pids = await textIn(channel, `${folder}/pids`);
    stop.abort(new Error('no longer wanted'));
    await rejected;
    await whenGone(channel, pids);
  });

  check('a command that ignores SIGTERM is ended all the same', async ({ channel, folder }) => {
    const deaf = `trap '' TERM; echo $$ > "$0"; while :; do sleep 1; done`;
    const slow = channel.run(['sh', '-c', deaf, `${folder}/pids`], { ...soon(), timeoutMs: 500 });
    await refusal(slow, 'COMMAND_FAILED');
    await whenGone(channel, await textIn(channel, `${folder}/pids`));
  });

  check('what was aborted before it began never runs', async ({ channel, folder }) => {
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(channel.run(['touch', `${folder}/ran`], { ...soon(), signal }), /too late/);
    const { exitCode } = await channel.run(['test', '-e', `${folder}/ran`], soon());
    assert.equal(exitCode, 1);
  });

  check('a command answers when its program ends, also when a child keeps its streams', async ({ channel }) => {
    const startedAtMs = performance.now();
    const { stdout } = await channel.run(['sh', '-c', 'sleep 600 & echo done'], soon());
    assert.equal(stdout, 'done\n');
    assert.ok(performance.now() - startedAtMs < 10_000);
  });

  check('closing ends what runs, refuses what comes, and may be done twice', async ({ channel, folder }) => {
    const slow = channel.run(['sh', '-c', LONG, `${folder}/pids`], soon());
    const ended = refusal(slow, 'COMMAND_FAILED', /closed/);
    await textIn(channel, `${folder}/pids`);
    await channel.close();
    await ended;
    await channel.close();
    await refusal(channel.run(['true'], soon()), 'COMMAND_FAILED', /closed/);
  });
}
