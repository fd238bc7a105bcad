import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { crc32 } from '../../../../src/checksums/crc32.js';
import { downloadFromPeers, type ExpectedFile, type LeastSpeed } from '../../../../src/data/peers/peer-download.js';
import type { PeerFailure } from '../../../../src/data/peers/peer-failure.js';
import { hexOf } from '../../../../src/data/peers/peer-url.js';
import type { PeerAccess, PeerAddress } from '../../../../src/wire/pilot/peers.js';
import { type PeerPlace, peerPlace } from '../../../fixtures/peers/peer-place.js';

const { signal: never } = new AbortController();
const CONTENT = randomBytes(3_000_000);
const SUM = crc32(CONTENT);

interface Node {
  readonly address: PeerAddress;
  readonly access?: PeerAccess | undefined;
}

/** Asks each node once, in turn, and answers which one gave the last of it, and why the others did not. */
async function download(
  { here }: PeerPlace,
  nodes: readonly Node[],
  more: Partial<ExpectedFile> & { signal?: AbortSignal; speed?: LeastSpeed; path?: string } = {},
) {
  const left = [...nodes];
  const troubles: string[] = [];
  let progress = 0;
  let begunAnew = 0;
  const { signal = never, speed, path = 'kept/x', ...expected } = more;
  const next = (failure: PeerFailure | undefined) => {
    if (failure !== undefined) troubles.push(failure.trouble);
    const node = left.shift();
    return node && { address: node.address, access: node.access, path };
  };
  const target = {
    suggestedPath: join(here, 'got'),
    signal,
    onProgress: (bytes: number) => {
      progress += bytes;
      if (bytes < 0) begunAnew += 1;
    },
  };
  await downloadFromPeers({ size: CONTENT.length, ...expected }, next, target, speed);
  return { troubles, progress, begunAnew, bytes: await readFile(target.suggestedPath) };
}

async function place(): Promise<PeerPlace> {
  const made = await peerPlace();
  await made.keep('x', CONTENT);
  return made;
}

/** A node that says what a test makes it say. */
async function liar(listener: RequestListener): Promise<Node> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { address: { manager: 'node-1', host: '127.0.0.1', port: (server.address() as AddressInfo).port } };
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Headers of an answer that is right but for what is said. */
function headers(changes: Record<string, string> = {}) {
  return { 'sluice-size': String(CONTENT.length), trailer: 'sluice-sent-crc32', ...changes };
}

test('a file comes whole, and progress tells every byte once', async () => {
  const node = await place();
  const { bytes, progress, troubles } = await download(node, [node], { crc32: SUM });
  expect([bytes.equals(CONTENT), progress, troubles]).toEqual([true, CONTENT.length, []]);
  expect(await node.left()).toEqual(['got']);
});

describe('a line that is cut at a random byte', () => {
  test('over and over, costs what was not there yet, when the whole’s checksum is known', async () => {
    const node = await place();
    const [proxy, address] = await node.line();
    const cuts = Array.from({ length: 6 }, () => 5_000 + Math.floor(Math.random() * 900_000));
    proxy.cutEach((connection) => cuts[connection - 1]);
    const nodes = Array(7).fill({ ...node, address });
    const { bytes, progress, begunAnew, troubles } = await download(node, nodes, { crc32: SUM });
    expect([bytes.equals(CONTENT), progress, begunAnew]).toEqual([true, CONTENT.length, 0]);
    expect(troubles.every((trouble) => trouble === 'broken')).toBe(true);
    expect(troubles.length).toBeGreaterThan(2);
  });

  test('and a file that nobody knows the sum of is begun anew, elsewhere', async () => {
    const node = await place();
    const [proxy, address] = await node.line();
    proxy.cutEach(() => 1_000_000);
    const { bytes, progress, troubles } = await download(node, [{ ...node, address }, node]);
    expect([bytes.equals(CONTENT), progress, troubles]).toEqual([true, CONTENT.length, ['broken']]);
  });

  test('leaves nothing where there is no other node', async () => {
    const node = await place();
    const [proxy, address] = await node.line();
    proxy.cutEach(() => 1_000_000);
    await expect(download(node, [{ ...node, address }])).rejects.toMatchObject({ trouble: 'broken' });
    expect(await node.left()).toEqual([]);
  });
});

describe('what a node says that is not so, another one makes good:', () => {
  const lies: readonly (readonly [what: string, trouble: string, listener: RequestListener])[] = [
    [
      'other bytes than it says the checksum of',
      'corrupt',
      (_, response) => {
        response.writeHead(200, headers());
        response.write(Buffer.alloc(CONTENT.length));
        response.addTrailers({ 'sluice-sent-crc32': hexOf(SUM) });
        response.end();
      },
    ],
    [
      'other bytes with their own checksum',
      'corrupt',
      (_, response) => {
        response.writeHead(200, headers());
        response.write(Buffer.alloc(CONTENT.length));
        response.addTrailers({ 'sluice-sent-crc32': hexOf(crc32(Buffer.alloc(CONTENT.length))) });
        response.end();
      },
    ],
    [
      'no checksum',
      'corrupt',
      (_, response) => {
        response.writeHead(200, headers());
        response.end(CONTENT);
      },
    ],
    [
      'too few bytes',
      'broken',
      (_, response) => {
        const some = CONTENT.subarray(0, 2_000_000);
        response.writeHead(200, headers());
        response.write(some);
        response.addTrailers({ 'sluice-sent-crc32': hexOf(crc32(some)) });
        response.end();
      },
    ],
    [
      'too many bytes',
      'corrupt',
      (_, response) => {
        response.writeHead(200, headers());
        response.end(Buffer.concat([CONTENT, CONTENT]));
      },
    ],
    [
      'another length',
      'absent',
      (_, response) => response.writeHead(200, headers({ 'sluice-size': '5' })).end('12345'),
    ],
    ['that it has no such file', 'absent', (_, response) => response.writeHead(404).end()],
    ['that it is somebody else', 'absent', (_, response) => response.writeHead(410).end()],
    ['that it has enough to do', 'busy', (_, response) => response.writeHead(503).end()],
    ['that something is wrong', 'broken', (_, response) => response.writeHead(500).end()],
    ['something that is no answer', 'broken', ({ socket }) => socket.end('SSH-2.0-OpenSSH\r\n')],
  ];

  test.each(lies)('%s', async (_, trouble, listener) => {
    const node = await place();
    const { bytes, progress, troubles } = await download(node, [await liar(listener), node], { crc32: SUM });
    expect([bytes.equals(CONTENT), progress, troubles]).toEqual([true, CONTENT.length, [trouble]]);
  });

  test('the checksum of a cached content, of which nobody else knows one', async () => {
    const node = await peerPlace();
    const key = createHash('sha1').update('x').digest('hex');
    await node.fill(key, CONTENT);
    const forged = await liar((_, response) => {
      response.writeHead(200, headers({ 'sluice-crc32': hexOf(SUM) }));
      response.write(Buffer.alloc(CONTENT.length));
      response.addTrailers({ 'sluice-sent-crc32': hexOf(crc32(Buffer.alloc(CONTENT.length))) });
      response.end();
    });
    const path = `content/${key}-${CONTENT.length}`;
    const { bytes, troubles } = await download(node, [forged, node], { path });
    expect([bytes.equals(CONTENT), troubles]).toEqual([true, ['corrupt']]);
  });
});

test('a node that is not there, or does not come on, is left for another', async () => {
  const node = await place();
  const gone = await peerPlace();
  await gone.server.close();
  const slow = await liar((_, response) => {
    response.writeHead(200, headers());
    response.write(CONTENT.subarray(0, 1_000_000));
  });
  const speed = { bytes: 64 * 1024, withinMs: 200 };
  const { bytes, progress, troubles } = await download(node, [gone, slow, node], { crc32: SUM, speed });
  expect([bytes.equals(CONTENT), progress]).toEqual([true, CONTENT.length]);
  expect(troubles).toEqual(['unreachable', 'broken']);
});

test('an abort ends it with its reason, and leaves neither file nor connection', async () => {
  const node = await place();
  const [proxy, address] = await node.line();
  const stop = new AbortController();
  const stuck = await liar((_, response) => {
    response.writeHead(200, headers());
    response.write(CONTENT.subarray(0, 1_000), () => stop.abort(new Error('not wanted')));
  });
  await expect(download(node, [stuck, { ...node, address }], { signal: stop.signal })).rejects.toThrow('not wanted');
  expect(await node.left()).toEqual([]);
  await expect(download(node, [node], { signal: stop.signal })).rejects.toThrow('not wanted');
  expect([proxy.connections(), await node.left()]).toEqual([0, []]);
});

test('a place that cannot be written to is no node’s fault', async () => {
  const node = await place();
  await writeFile(join(node.here, 'file'), '');
  const target = { suggestedPath: join(node.here, 'file', 'x'), signal: never };
  const next = () => ({ address: node.address, access: node.access, path: 'kept/x' });
  await expect(downloadFromPeers({ size: CONTENT.length }, next, target)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
  });
});
