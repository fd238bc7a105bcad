import { expect, test } from 'vitest';
import { watchingSilence } from '../../../../src/data/sftp/remote-file.js';

const forever = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('a transfer of which nothing moves is ended, and says so', async () => {
  const { signal } = new AbortController();
  const watched = watchingSilence({ what: 'read sftp://host/x', signal, silentMs: 50 }, forever);
  await expect(watched).rejects.toMatchObject({
    code: 'SERVICE_FAILED',
    message: 'read sftp://host/x: nothing has moved for 50 ms',
  });
});

test('one that moves now and then is not', async () => {
  const { signal } = new AbortController();
  const watched = watchingSilence({ what: 'read', signal, silentMs: 400 }, async (stop, moved) => {
    for (let n = 0; n < 8; n++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      moved();
    }
    stop.throwIfAborted();
    return 'done';
  });
  expect(await watched).toBe('done');
});

test('an abort from outside goes through, also one from before', async () => {
  const stop = new AbortController();
  const watched = watchingSilence({ what: 'read', signal: stop.signal, silentMs: 60_000 }, forever);
  stop.abort(new Error('no longer wanted'));
  await expect(watched).rejects.toThrow('no longer wanted');
  const late = watchingSilence({ what: 'read', signal: stop.signal, silentMs: 60_000 }, async (signal) =>
    signal.throwIfAborted(),
  );
  await expect(late).rejects.toThrow('no longer wanted');
});
