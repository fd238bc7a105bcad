import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { crc32 } from '../../../../src/checksums/crc32.js';
import { accessFor } from '../../../../src/data/peers/peer-access.js';
import { askPeer } from '../../../../src/data/peers/peer-request.js';
import { hexOf } from '../../../../src/data/peers/peer-url.js';
import { type PeerPlace, peerPlace } from '../../../fixtures/peers/peer-place.js';

const { signal } = new AbortController();
const CONTENT = Buffer.alloc(300_000, 'all the bytes of a file, ');
const KEY = 'ab'.repeat(20);
const NAME = `content/${KEY}-${CONTENT.length}`;

async function ask(place: PeerPlace, path: string, more: { start?: number; method?: 'HEAD' } = {}) {
  const response = await askPeer({ address: place.address, access: place.access, path, signal, ...more });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { response, bytes: Buffer.concat(chunks) };
}

async function troubleOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => 'none',
    (error: { trouble?: unknown }) => error.trouble ?? error,
  );
}

describe.each([
  ['encrypted', {}],
  ['in the clear', { runKey: undefined }],
])('a node, %s, serves', (_, changes) => {
  test('a kept file whole, with its length and the checksum of what was sent', async () => {
    const place = await peerPlace(changes);
    await place.keep('1-1/a b.txt', CONTENT);
    const { response, bytes } = await ask(place, 'kept/1-1/a%20b.txt');
    expect(bytes.equals(CONTENT)).toBe(true);
    expect(response.statusCode).toBe(200);
    expect(response.headers['sluice-size']).toBe(String(CONTENT.length));
    expect(response.headers['sluice-crc32']).toBeUndefined();
    expect(response.trailers['sluice-sent-crc32']).toBe(hexOf(crc32(CONTENT)));
  });

  test('a cached content, with the checksum from when it was fetched', async () => {
    const place = await peerPlace(changes);
    await place.fill(KEY, CONTENT);
    const { response, bytes } = await ask(place, NAME);
    expect(bytes.equals(CONTENT)).toBe(true);
    expect(response.headers['sluice-crc32']).toBe(hexOf(crc32(CONTENT)));
  });

  test.each([0, 1, 150_000, CONTENT.length - 1, CONTENT.length])(
    'the rest of a file from byte %i on',
    async (start) => {
      const place = await peerPlace(changes);
      await place.keep('x', CONTENT);
      const { response, bytes } = await ask(place, 'kept/x', { start });
      expect(bytes.equals(CONTENT.subarray(start))).toBe(true);
      expect(response.trailers['sluice-sent-crc32']).toBe(hexOf(crc32(CONTENT.subarray(start))));
    },
  );

  test('nothing from beyond a file’s end', async () => {
    const place = await peerPlace(changes);
    await place.keep('x', CONTENT);
    expect(await troubleOf(ask(place, 'kept/x', { start: CONTENT.length + 1 }))).toBe('broken');
  });

  test('the length alone when asked for that, and an empty file', async () => {
    const place = await peerPlace(changes);
    await place.keep('x', CONTENT);
    await place.keep('empty', Buffer.alloc(0));
    const { response, bytes } = await ask(place, 'kept/x', { method: 'HEAD' });
    expect([response.headers['sluice-size'], bytes.length]).toEqual([String(CONTENT.length), 0]);
    expect((await ask(place, 'kept/empty')).response.headers['sluice-size']).toBe('0');
  });

  test('the list of a folder', async () => {
    const place = await peerPlace(changes);
    for (const name of ['1-1/d/a', '1-1/d/below/b c']) await place.keep(name, Buffer.from(name));
    const rows = JSON.parse((await ask(place, 'kept/1-1/d/')).bytes.toString()) as [string, number, string][];
    expect(rows.map(([name, size]) => [name, size]).sort()).toEqual([
      ['a', 7],
      ['below/b c', 15],
    ]);
    expect(await troubleOf(ask(place, 'kept/1-1/none/'))).toBe('absent');
  });
});

describe('a node gives nothing', () => {
  test('to who has another key, a key of another name, or none', async () => {
    const place = await peerPlace();
    await place.keep('x', CONTENT);
    const { address, runKey = '' } = place;
    const other = accessFor('00'.repeat(32), 'asker');
    const borrowed = { ...accessFor(runKey, 'somebody'), identity: 'somebody else' };
    for (const access of [other, borrowed, undefined]) {
      expect(await troubleOf(askPeer({ address, access, path: 'kept/x', signal }))).toBe('broken');
    }
    const certified = connectTls({ host: address.host, port: address.port, rejectUnauthorized: false });
    const [error] = (await once(certified, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/^(EPROTO|ECONNRESET|ERR_SSL.*)$/);
    expect((await ask(place, 'kept/x')).bytes.length).toBe(CONTENT.length);
  });

  test('and an asker nothing of itself to a server that does not have the key', async () => {
    const place = await peerPlace({ runKey: 'aa'.repeat(32) });
    const { address } = place;
    const access = accessFor('bb'.repeat(32), 'asker');
    expect(await troubleOf(askPeer({ address, access, path: 'kept/secret-name', signal }))).toBe('broken');
  });

  test('of what is not below its folder, however it is asked', async () => {
    const place = await peerPlace({ runKey: undefined });
    await writeFile(join(place.keptFolder, '../outside'), 'secret');
    await mkdir(join(place.keptFolder, 'd'));
    await symlink('../../outside', join(place.keptFolder, 'd/link'));
    await symlink('..', join(place.keptFolder, 'd/up'));
    await place.keep('plain', Buffer.from('x'));
    const paths = [
      '../outside',
      '%2e%2e/outside',
      '..%2foutside',
      'd/../../outside',
      'd/%2e%2e/%2e%2e/outside',
      'd/link',
      'd/up/../outside',
      'd/up/outside',
      '/etc/hostname',
      '%2fetc%2fhostname',
      'd//link',
      './plain',
      'plain%00',
      '%zz',
      '../',
      'd/up/',
      '..%2f/',
    ];
    for (const path of paths) expect([path, await statusOf(place, `/node-1/kept/${path}`)]).toEqual([path, 404]);
    const names = ['../../outside', `${KEY}-6/../../outside`, 'zz-1', `${KEY}`, `${KEY}-x`, '%2e%2e-1'];
    for (const name of names) expect([name, await statusOf(place, `/node-1/content/${name}`)]).toEqual([name, 404]);
    expect(await statusOf(place, '/node-1/kept/plain')).toBe(200);
  });

  test('for another manager, and nothing but answers to its questions', async () => {
    const place = await peerPlace({ runKey: undefined });
    await place.keep('x', CONTENT);
    expect(await statusOf(place, '/node-2/kept/x')).toBe(410);
    expect(await statusOf(place, '/%zz/kept/x')).toBe(410);
    for (const path of ['/', '/node-1/', '/node-1/kept/', '/node-1/entries/x', '/node-1/kept/x?y']) {
      expect([path, await statusOf(place, path)]).toEqual([path, 400]);
    }
    expect(await statusOf(place, '/node-1/kept/x', 'DELETE')).toBe(400);
    expect(await statusOf(place, '/node-1/kept/x', 'PUT')).toBe(400);
  });

  test('of a content that a task has changed, or that is not there', async () => {
    const place = await peerPlace();
    await place.fill(KEY, CONTENT);
    const data = join(place.cache.entries, `${KEY}-${CONTENT.length}`, 'content', 'data');
    await chmod(data, 0o644);
    await writeFile(data, Buffer.alloc(CONTENT.length, 'other'));
    expect(await troubleOf(ask(place, NAME))).toBe('absent');
    expect(await troubleOf(ask(place, `content/${'cd'.repeat(20)}-5`))).toBe('absent');
  });

  test('of a content from before the machine’s last start, a part of which may be missing', async () => {
    const place = await peerPlace();
    await place.fill(KEY, CONTENT);
    const record = join(place.cache.entries, `${KEY}-${CONTENT.length}`, 'content', 'record.json');
    const noted = JSON.parse(await readFile(record, 'utf8'));
    await rm(record);
    await writeFile(record, JSON.stringify({ ...noted, boot: '00000000' }));
    expect(await troubleOf(ask(place, NAME))).toBe('absent');
  });

  test('of its cache where it does not serve that', async () => {
    const place = await peerPlace({ perSource: 0 });
    await place.fill(KEY, CONTENT);
    expect(await troubleOf(ask(place, NAME))).toBe('absent');
  });
});

describe('a node', () => {
  test('breaks off an answer about a file that is changed meanwhile', async () => {
    const place = await peerPlace();
    const large = Buffer.alloc(32 * 2 ** 20, 1);
    await place.keep('x', large);
    const response = await askPeer({ address: place.address, access: place.access, path: 'kept/x', signal });
    await writeFile(join(place.keptFolder, 'x'), Buffer.alloc(large.length, 2));
    const read = async () => {
      for await (const _ of response);
    };
    await expect(read()).rejects.toThrow('aborted');
    expect(response.complete).toBe(false);
  });

  test('has so many askers of its cache at a time, and tells one more that it is too many', async () => {
    const place = await peerPlace({ perSource: 3 });
    const large = Buffer.alloc(32 * 2 ** 20, 1);
    await place.fill(KEY, large);
    const path = `content/${KEY}-${large.length}`;
    // They do not read on: the node cannot be done with them.
    const asked = await Promise.allSettled(
      Array.from({ length: 8 }, () => askPeer({ address: place.address, access: place.access, path, signal })),
    );
    const responses = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(responses).toHaveLength(3);
    const refusals = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.trouble] : []));
    expect(refusals).toEqual(Array(5).fill('busy'));
    // Kept files do not count among them.
    await place.keep('x', CONTENT);
    expect((await ask(place, 'kept/x')).bytes.length).toBe(CONTENT.length);
    for (const response of responses) response.destroy();
    await vi.waitFor(async () => expect(await troubleOf(ask(place, path))).toBe('none'));
  });

  test('hangs up on who takes nothing for long, and on who does not ask in time', async () => {
    const place = await peerPlace({ runKey: undefined, idleMs: 200 });
    await place.keep('x', Buffer.alloc(32 * 2 ** 20, 1));
    const response = await askPeer({ address: place.address, access: undefined, path: 'kept/x', signal });
    await once(response, 'readable');
    // Who does not read does not see the end either; it has come when others that came later have been hung up on.
    for (let turn = 0; turn < 4; turn++) await endOf(connect({ host: '127.0.0.1', port: place.server.port }));
    const read = async () => {
      for await (const _ of response);
    };
    await expect(read()).rejects.toThrow('aborted');
  });

  test('is gone at its close, with all its connections', async () => {
    const place = await peerPlace();
    await place.keep('x', Buffer.alloc(32 * 2 ** 20, 1));
    const { port } = place.server;
    const response = await askPeer({ address: place.address, access: place.access, path: 'kept/x', signal });
    const unspoken = connect({ host: '127.0.0.1', port });
    await once(unspoken, 'connect');
    const ends = [endOf(unspoken), endOf(response)];
    await place.server.close();
    await Promise.all(ends);
    expect(await troubleOf(ask(place, 'kept/x'))).toBe('unreachable');
  });
});

function endOf(stream: Socket | IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    stream.on('error', () => {});
    stream.on('close', resolve);
    stream.resume();
  });
}

/** Of a request whose path goes out as it is. */
function statusOf({ server }: PeerPlace, path: string, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: server.port, path, method, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
    request.end();
  });
}
