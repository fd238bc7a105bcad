import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PeerRing } from '../../../../src/data/peers/peer-access.js';
import { createPeerCopies } from '../../../../src/data/peers/peer-copies.js';
import { type PeerPlace, peerPlace } from '../../../fixtures/peers/peer-place.js';

const CONTENT = randomBytes(100_000);
const content = { key: 'ab'.repeat(20), size: CONTENT.length };
const leastSpeed = { bytes: 1_000, withinMs: 200 };

const targetOf = ({ here }: PeerPlace) => ({ suggestedPath: join(here, 'got'), signal: new AbortController().signal });

test('a content comes from the first node that gives it, and from none twice', async () => {
  const place = await peerPlace();
  const empty = await peerPlace({ runKey: place.runKey });
  await place.fill(content.key, CONTENT);
  const copies = createPeerCopies({ ring: place.ring, own: 'node-9' });
  expect(await copies.fetch(content, [empty.urlOf(''), place.urlOf('')], targetOf(place))).toBe(true);
  expect((await readFile(targetOf(place).suggestedPath)).equals(CONTENT)).toBe(true);
});

test('none gives it, or there is nobody to ask but oneself', async () => {
  const place = await peerPlace();
  const copies = createPeerCopies({ ring: place.ring, own: 'node-1' });
  expect(await copies.fetch(content, [], targetOf(place))).toBe(false);
  await place.fill(content.key, CONTENT);
  expect(await copies.fetch(content, [place.urlOf('')], targetOf(place))).toBe(false);
  const others = createPeerCopies({ ring: place.ring, own: 'node-2' });
  expect(await others.fetch({ ...content, key: 'cd'.repeat(20) }, [place.urlOf('')], targetOf(place))).toBe(false);
  expect(await place.left()).toEqual([]);
});

test('a node that did not answer is not asked again for a while, one that has not the content is', async () => {
  const place = await peerPlace();
  const [proxy, address] = await place.line();
  const through = place.urlOf('', address);
  const copies = createPeerCopies({ ring: place.ring, own: 'node-9', leastSpeed });
  expect(await copies.fetch(content, [through], targetOf(place))).toBe(false);
  await place.fill(content.key, CONTENT);
  expect(await copies.fetch(content, [through], targetOf(place))).toBe(true);
  expect(proxy.connections()).toBe(2);
  proxy.cutEach(() => 3_000);
  for (let turn = 0; turn < 3; turn++) expect(await copies.fetch(content, [through], targetOf(place))).toBe(false);
  expect(proxy.connections()).toBe(3);
});

test('a node of a run that one has no part in is a mistake of the asker', async () => {
  const place = await peerPlace();
  const copies = createPeerCopies({ ring: new PeerRing(), own: 'node-9' });
  await expect(copies.fetch(content, [place.urlOf('')], targetOf(place))).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
  });
});
