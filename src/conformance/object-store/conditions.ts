import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { bytes, codeOf, MEBIBYTE, partsOf, rejects, text } from './contents.js';
import type { Check } from './fixture.js';

/** Conditional reads and writes hold, also in a race. */
export function conditions(check: Check): void {
  check('of twenty writers that want the key absent, one wins', async ({ store }) => {
    const racers = Array.from({ length: 20 }, (_, index) => `writer ${index}`);
    const results = await Promise.allSettled(racers.map((who) => store.put('lock', bytes(who), { ifAbsent: true })));
    const winners = racers.filter((_, index) => results[index]?.status === 'fulfilled');
    assert.equal(winners.length, 1);
    assert.equal(text(await store.get('lock')), winners[0]);
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(codeOf(result.reason), 'PRECONDITION_FAILED');
    }
  });

  check('a version is replaced only while it is the one named', async ({ store, gaps }) => {
    const first = await store.put('doc', bytes('one'));
    const second = store.put('doc', bytes('two'), { ifMatch: first.etag });
    if (gaps?.refusesEveryVersion) {
      await rejects(second, 'PRECONDITION_FAILED');
      await store.put('doc', bytes('two'));
    } else await second;
    await rejects(store.put('doc', bytes('three'), { ifMatch: first.etag }), 'PRECONDITION_FAILED');
    await rejects(store.put('nowhere', bytes('x'), { ifMatch: first.etag }), 'PRECONDITION_FAILED');
    assert.equal(text(await store.get('doc')), 'two');
    assert.equal(await store.head('nowhere'), undefined);
  });

  check('a version is read only while it is the one named', async ({ store }) => {
    const first = await store.put('doc', bytes('one'));
    assert.equal(text(await store.get('doc', { ifMatch: first.etag })), 'one');
    await store.put('doc', bytes('two'));
    await rejects(store.get('doc', { ifMatch: first.etag }), 'PRECONDITION_FAILED');
    await rejects(store.getStream('doc', { ifMatch: first.etag }), 'PRECONDITION_FAILED');
  });

  check('an upload in parts keeps to its conditions too', async (fixture) => {
    const { store, openUploads, gaps } = fixture;
    const body = randomBytes(9 * MEBIBYTE);
    const written = await store.putParts('large', body.length, partsOf(body), { ifAbsent: true });
    const again = store.putParts('large', body.length, partsOf(body), { ifAbsent: true });
    if (gaps?.ignoresAbsenceForParts) await again;
    else await rejects(again, 'PRECONDITION_FAILED');
    await store.putParts('large', body.length, partsOf(body), { ifMatch: written.etag });
    const another = store.putParts('large', body.length, partsOf(body), { ifMatch: 'another' });
    if (gaps?.ignoresVersionOfParts) await another;
    else await rejects(another, 'PRECONDITION_FAILED');
    assert.equal((await openUploads?.()) ?? 0, 0);
  });
}
