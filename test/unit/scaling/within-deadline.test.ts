import { expect, test } from 'vitest';
import { withinDeadline } from '../../../src/scaling/within-deadline.js';
import { HandClock } from '../../fixtures/scaling/hand-clock.js';

const never = new Promise<string>(() => {});
const options = (clock: HandClock, signal: AbortSignal = new AbortController().signal) => ({
  clock,
  ms: 1_000,
  signal,
  what: 'the call',
});

test('an answer in time is the answer, and no timer stays', async () => {
  const clock = new HandClock();
  await expect(withinDeadline(options(clock), async () => 'yes')).resolves.toBe('yes');
  await expect(withinDeadline(options(clock), async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(clock.pending).toBe(0);
});

test('a call that does not heed its signal is left behind all the same', async () => {
  const clock = new HandClock();
  let signal: AbortSignal | undefined;
  const answer = withinDeadline(options(clock), (given) => {
    signal = given;
    return never;
  }).catch((error: unknown) => error);
  await clock.pass(1_000);
  expect(await answer).toMatchObject({ code: 'COMMAND_FAILED', message: 'the call did not answer within 1 s' });
  expect(signal?.aborted).toBe(true);
});

test('an abort ends the call with its reason', async () => {
  const clock = new HandClock();
  const stop = new AbortController();
  const answer = withinDeadline(options(clock, stop.signal), () => never).catch((error: unknown) => error);
  stop.abort(new Error('closed'));
  expect(String(await answer)).toBe('Error: closed');
  expect(clock.pending).toBe(0);
});

test('with a signal that is aborted already nothing is called', async () => {
  let calls = 0;
  const answer = withinDeadline(options(new HandClock(), AbortSignal.abort(new Error('closed'))), async () => {
    calls += 1;
  });
  await expect(answer).rejects.toThrow('closed');
  expect(calls).toBe(0);
});
