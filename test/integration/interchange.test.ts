import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { VERSION } from '../../src/version.js';
import { encode } from '../../src/wire/codec.js';
import { decodeError } from '../../src/wire/error-codec.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { FakeClient, FakeManager, KEYS, startInterchangeProcess, TIMES, taskOf } from './interchange-process.js';
import { closeAll, proxyTo } from './transport-parts.js';

afterEach(closeAll);

describe.each(['plain', 'curve'] as const)(
  'an interchange, %s',
  (kind) => {
    const config = kind === 'curve' ? { security: KEYS.ofServer } : {};

    test('tasks go to a manager with their code and large parts, and results come back', async () => {
      const interchange = await startInterchangeProcess(config);
      const client = await FakeClient.join(interchange.port);
      const manager = await FakeManager.join(interchange.port, { id: 'm1' }, { echo: true });
      const large = Buffer.alloc(5 * 1024 * 1024, 'large');
      client.say({ kind: 'code', code: 1, bytes: Buffer.from('the code') });
      client.say({
        kind: 'tasks',
        tasks: [taskOf(1, { parts: [Buffer.from('small'), large] }), taskOf(2)],
        again: false,
      });
      const results = await client.reachResults(2);
      expect(results.map(({ key, parts }) => [key, String(parts[0])])).toEqual([
        [1, '1'],
        [2, '2'],
      ]);
      expect(manager.party.told.items.map((order) => order.kind)).toEqual(['welcome', 'code', 'tasks']);
      const [, , order] = manager.party.told.items;
      const first = order?.kind === 'tasks' ? order.tasks[0]?.parts : undefined;
      expect(large.equals(first?.[1] as Uint8Array)).toBe(true);
    });
  },
  60_000,
);

test('priorities are kept', async () => {
  const { port } = await startInterchangeProcess();
  const client = await FakeClient.join(port);
  client.say({ kind: 'tasks', tasks: [3, 1, 2].map((priority) => taskOf(priority, { priority })), again: false });
  const manager = await FakeManager.join(port, { id: 'm1', slots: 1 }, { echo: true });
  expect(await manager.reachTasks(3)).toEqual([1, 2, 3]);
});

test('10,000 tasks over four managers end once each', async () => {
  const { port } = await startInterchangeProcess({ selector: 'round-robin' });
  const client = await FakeClient.join(port);
  for (const id of ['m1', 'm2', 'm3', 'm4'])
    await FakeManager.join(port, { id, slots: 4, prefetch: 8 }, { echo: true });
  const tasks = Array.from({ length: 10_000 }, (_, key) => taskOf(key));
  for (let from = 0; from < tasks.length; from += 100) {
    client.say({ kind: 'tasks', tasks: tasks.slice(from, from + 100), again: false });
  }
  const results = await client.reachResults(10_000);
  expect(new Set(results.map(({ key }) => key)).size).toBe(10_000);
  expect(results).toHaveLength(10_000);
});

test('while the connections of client and manager are cut, no task is lost and none runs twice', async () => {
  const { port } = await startInterchangeProcess();
  const [near, far] = [await proxyTo(port), await proxyTo(port)];
  const client = await FakeClient.join(near.port);
  const manager = await FakeManager.join(far.port, { id: 'm1', slots: 8, prefetch: 8 }, { echo: true });
  for (let round = 0; round < 10; round++) {
    const tasks = Array.from({ length: 50 }, (_, index) => taskOf(round * 50 + index));
    client.say({ kind: 'tasks', tasks, again: false });
    await client.reachResults(round * 50 + 10);
    (round % 2 === 0 ? near : far).cut();
  }
  await client.reachResults(500);
  const keys = Array.from({ length: 500 }, (_, key) => key);
  expect(manager.keys()).toEqual(keys);
  expect(client.results().map(({ key }) => key)).toEqual(keys);
});

test('messages that nobody understands, and managers nobody knows, are survived', async () => {
  const { port } = await startInterchangeProcess();
  const client = await FakeClient.join(port);
  const stranger = await FakeManager.join(port, { id: 'stranger', sluice: VERSION });
  await stranger.until('welcome');
  const { link } = stranger.party;
  link.send([]);
  link.send([Buffer.from('garbage')]);
  link.send([encode({ kind: 'tasks' }).bytes, Buffer.from('x'), Buffer.from('y')]);
  link.send([encode({ kind: 'results' }).bytes, encode([[1, true, 100, 0]]).bytes, Buffer.from('short')]);
  link.send([encode({ kind: 'nothing' }).bytes]);
  link.send([encode(null).bytes]);
  link.send([encode({ kind: 'close' }).bytes]);
  link.send([encode({ kind: 'register', manager: 7 }).bytes]);
  for (let index = 0; index < 20; index++)
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .end(`garbage ${index}`);
  const manager = await FakeManager.join(port, { id: 'm1', slots: 4 }, { echo: true });
  client.say({ kind: 'tasks', tasks: [taskOf(1), taskOf(2)], again: false });
  await client.until('managers');
  await Promise.race([manager.reachTasks(1), stranger.reachTasks(1)]);
});

test('a second client, and one with a wrong token, are not listened to', async () => {
  const { port } = await startInterchangeProcess();
  const guesser = await FakeClient.join(port, { id: 'guesser', token: 'guess' });
  guesser.say({ kind: 'tasks', tasks: [taskOf(7)], again: false });
  const client = await FakeClient.join(port);
  const second = await FakeClient.join(port, { id: 'second' });
  second.say({ kind: 'tasks', tasks: [taskOf(8)], again: false });
  second.say({ kind: 'close' });
  const manager = await FakeManager.join(port, { id: 'm1', slots: 4 }, { echo: true });
  client.say({ kind: 'tasks', tasks: [taskOf(1)], again: false });
  await client.reachResults(1);
  expect(manager.keys()).toEqual([1]);
  expect([guesser, second].flatMap(({ told }) => told.items.filter(({ kind }) => kind === 'welcome'))).toEqual([]);
});

test('a manager that dies without a word is lost, its tasks fail, and others get the next', async () => {
  const { port } = await startInterchangeProcess();
  const client = await FakeClient.join(port);
  // Behind a proxy that is gone for good, it is as good as killed.
  const proxy = await proxyTo(port);
  const manager = await FakeManager.join(proxy.port, { id: 'm1', blockId: 'block-3' });
  client.say({ kind: 'tasks', tasks: [taskOf(1)], again: false });
  await manager.reachTasks(1);
  await proxy.close();
  const [result] = await client.reachResults(1);
  expect(result).toMatchObject({ key: 1, kind: 'failure' });
  const error = decodeError(result?.parts[0] as Uint8Array);
  expect(error).toMatchObject({ code: 'WORKER_LOST' });
  expect(error.message).toMatch(/^manager m1 on node1 \(block block-3\) is lost, .* it has been silent for \d+ ms$/);
  await client.until('managerLost');
});

test('a manager of another version is refused, and the client told', async () => {
  const { port } = await startInterchangeProcess();
  const client = await FakeClient.join(port);
  const manager = await FakeManager.join(port, { id: 'm1', sluice: '0.0.1' });
  await manager.until('refused');
  await client.until('managerRefused');
  const refused = client.told.items.find(({ kind }) => kind === 'managerRefused');
  expect(refused).toMatchObject({ host: 'node1', reason: expect.stringMatching(/version 0\.0\.1 of sluice/) });
});

test('a registration that this version does not understand is refused with the versions of both', async () => {
  const { port } = await startInterchangeProcess();
  const client = await FakeClient.join(port);
  const manager = await FakeManager.join(port, { id: 'm1', sluice: '9.0.0', ...{ later: 'field' } });
  await manager.until('refused');
  await client.until('managerRefused');
  expect(client.told.items.find(({ kind }) => kind === 'managerRefused')).toMatchObject({
    reason: expect.stringContaining(`version 9.0.0 of sluice, and the client ${VERSION}`),
  });
});

test.each(['the end of stdin', 'SIGTERM', 'a message'] as const)(
  '%s ends it: managers are told to stop, and the process is gone',
  async (how) => {
    const interchange = await startInterchangeProcess();
    const client = await FakeClient.join(interchange.port);
    const manager = await FakeManager.join(interchange.port, { id: 'm1' });
    await manager.until('welcome');
    if (how === 'the end of stdin') interchange.endStdin();
    else if (how === 'SIGTERM') interchange.child.kill('SIGTERM');
    else client.say({ kind: 'close' });
    await manager.until('stop');
    expect(await interchange.exited).toBe(0);
  },
);

test('when stdin ends before the configuration has come, it ends', async () => {
  const interchange = await failureOf(startInterchangeProcess({ token: '' }));
  expect(interchange).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('token') });
});

test('a port in use is said on stdout', async () => {
  const { port } = await startInterchangeProcess();
  const error = await failureOf(startInterchangeProcess({ ports: { from: port, to: port } }));
  expect(error).toMatchObject({ code: 'ADDRESS_IN_USE', message: expect.stringContaining(`port ${port} is in use`) });
});

test('killed and started again at its port: running tasks finish, waiting ones are placed, none twice', async () => {
  const first = await startInterchangeProcess();
  const { port } = first;
  const [one, two] = [await FakeManager.join(port, { id: 'm1' }), await FakeManager.join(port, { id: 'm2' })];
  const tasks = Array.from({ length: 6 }, (_, key) => taskOf(key));
  let meetings = 0;
  const client = await FakeClient.join(port, {
    onMeet: (its) => {
      meetings += 1;
      its.say({ kind: 'hello', sluice: VERSION, token: 'secret', known: meetings === 1 ? [] : ['m1', 'm2'] });
      its.say({ kind: 'tasks', tasks, again: meetings > 1 });
    },
  });
  await Promise.all([one.reachTasks(2), two.reachTasks(2)]);
  first.child.kill('SIGKILL');
  await first.exited;
  await startInterchangeProcess({ ports: { from: port, to: port } });
  await client.told.until((told) => told.filter(({ kind }) => kind === 'welcome').length === 2, 'a second welcome');
  for (const manager of [one, two]) {
    await manager.party.told.until(
      (told) => told.filter(({ kind }) => kind === 'welcome').length === 2,
      'a second welcome',
    );
  }
  for (const manager of [one, two]) manager.end(...manager.held.keys());
  await client.reachResults(4);
  // Whoever had room first has them.
  await vi.waitFor(() => expect(one.held.size + two.held.size).toBe(2), { timeout: 10_000 });
  for (const manager of [one, two]) manager.end(...manager.held.keys());
  await client.reachResults(6);
  const keys = [0, 1, 2, 3, 4, 5];
  expect([...one.keys(), ...two.keys()].sort()).toEqual(keys);
  expect(
    client
      .results()
      .map(({ key }) => key)
      .sort(),
  ).toEqual(keys);
});

test('a manager outlives a break that is shorter than the threshold', async () => {
  const { port } = await startInterchangeProcess();
  const proxy = await proxyTo(port);
  const client = await FakeClient.join(port);
  const manager = await FakeManager.join(proxy.port, { id: 'm1' });
  await manager.until('welcome');
  const endMs = performance.now() + TIMES.heartbeatThresholdMs * 2;
  while (performance.now() < endMs) {
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  client.say({ kind: 'tasks', tasks: [taskOf(1)], again: false });
  await manager.reachTasks(1);
  expect(client.told.items.map(({ kind }) => kind)).not.toContain('managerLost');
});
