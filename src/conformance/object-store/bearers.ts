import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { bytes, rejects, text } from './contents.js';
import type { Check } from './fixture.js';

/** The URL with its last character replaced. */
function changed(url: string): string {
  return url.slice(0, -1) + (url.endsWith('0') ? '1' : '0');
}

async function drainedAnswer(answer: Response): Promise<Response> {
  await answer.arrayBuffer();
  return answer;
}

/** Presigned URLs let their bearer do one thing. */
export function bearers(check: Check): void {
  check('a presigned URL reads one object without credentials', async ({ store }) => {
    await store.put('shared/a b+c.txt', bytes('for all'));
    const url = await store.presign('shared/a b+c.txt', { method: 'GET', expiresInSeconds: 60 });
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), 'for all');
  });

  check('a presigned URL writes one object without credentials', async ({ store }) => {
    const url = await store.presign('dropped/a b+c.txt', { method: 'PUT', expiresInSeconds: 60 });
    const response = await fetch(url, { method: 'PUT', body: 'from outside' });
    assert.equal(response.status, 200);
    assert.equal(text(await store.get('dropped/a b+c.txt')), 'from outside');
  });

  check('a presigned URL that was changed, or is used for something else, is refused', async ({ store, gaps }) => {
    await store.put('shared', bytes('for some'));
    const url = await store.presign('shared', { method: 'GET', expiresInSeconds: 60 });
    const expected = gaps?.trustsEveryUrl ? 200 : 403;
    assert.equal((await fetch(changed(url))).status, expected);
    assert.equal((await fetch(url, { method: 'PUT', body: 'mine' })).status, expected);
    if (!gaps?.trustsEveryUrl) assert.equal(text(await store.get('shared')), 'for some');
  });

  check('a presigned URL is good until it expires', async ({ store, gaps }) => {
    await store.put('shared', bytes('for a while'));
    const url = await store.presign('shared', { method: 'GET', expiresInSeconds: 1 });
    const giveUpAt = Date.now() + (gaps?.trustsEveryUrl ? 2_500 : 10_000);
    let status = 200;
    while (status === 200 && Date.now() < giveUpAt) {
      status = (await fetch(url).then(drainedAnswer)).status;
      await sleep(100);
    }
    // Amazon S3 answers 403, Cloud Storage 400.
    assert.equal(status === 403 || status === 400, gaps?.trustsEveryUrl !== true, `status ${status}`);
  });

  check('a URL cannot be valid for no time', async ({ store }) => {
    await rejects(store.presign('key', { method: 'GET', expiresInSeconds: 0 }), 'INVALID_OPTIONS');
  });
}
