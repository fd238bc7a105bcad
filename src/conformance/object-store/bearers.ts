import assert from 'node:assert/strict';

import { bytes, rejects, text } from './contents.js';
import type { Check } from './fixture.js';

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

  check('a URL cannot be valid for no time', async ({ store }) => {
    await rejects(store.presign('key', { method: 'GET', expiresInSeconds: 0 }), 'INVALID_OPTIONS');
  });
}
