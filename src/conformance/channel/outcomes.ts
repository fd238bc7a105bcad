import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, CommandOptions } from '../../channels/channel.js';

const TIMEOUT_MS = 20_000;

/** Options of a command that nobody aborts and that ends soon. */
export function soon(): CommandOptions {
  return { signal: new AbortController().signal, timeoutMs: TIMEOUT_MS };
}

/** Asserts that a promise rejects with a code and a message. */
export async function refusal(promise: Promise<unknown>, code: string, message: RegExp = /./): Promise<void> {
  await assert.rejects(promise, (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** What a file there holds, once it is there and ends with a newline. */
export async function textIn(channel: Channel, path: string): Promise<string> {
  for (const giveUpAtMs = Date.now() + TIMEOUT_MS; Date.now() < giveUpAtMs; await sleep(20)) {
    const text = await channel.readTail(path, { bytes: 4_096, signal: soon().signal });
    if (text.endsWith('\n')) return text.trimEnd();
  }
  return assert.fail(`${path} was not written`);
}

/** Resolves when no process there has one of the pids, which are separated by spaces. */
export async function whenGone(channel: Channel, pids: string): Promise<void> {
  // One that has ended and waits to be reaped is gone.
  const look = 'for p; do case $(ps -o stat= -p "$p") in ""|Z*) ;; *) echo "$p";; esac; done';
  let left = pids;
  for (const giveUpAtMs = Date.now() + TIMEOUT_MS; Date.now() < giveUpAtMs; await sleep(50)) {
    left = (await channel.run(['sh', '-c', look, 'sh', ...pids.split(' ')], soon())).stdout.trim();
    if (left === '') return;
  }
  assert.fail(`still running: ${left}`);
}
