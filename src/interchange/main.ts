import { createInterface } from 'node:readline';
import { SluiceError } from '../errors.js';
import { PriorityQueue } from '../priority-queue.js';
import { openPilotRouter, type PilotRouter } from '../transport/pilot-router.js';
import { encodeError } from '../wire/error-codec.js';
import { encodeMessage, parseClientMessage, parseManagerMessage } from '../wire/pilot/message-codec.js';
import type { ManagerInfo, ManagerOrder, ManagerRegistration, Target } from '../wire/pilot/messages.js';
import type { PilotResult, PilotTask } from '../wire/pilot/pilot-task.js';
import { slotsFor } from '../wire/pilot/slots.js';
import type { InterchangeConfig } from './interchange-config.js';

interface M {
  reg: ManagerRegistration;
  state: ManagerInfo['state'];
  tasks: Map<number, number>;
  used: number;
  prefetch: number;
  codes: Set<number>;
  since: number;
  idleSince: number;
}
const managers = new Map<string, M>();
const codes = new Map<number, Uint8Array>();
const queue = new PriorityQueue<PilotTask>();
const pending = new Map<number, PilotTask>();
let router: PilotRouter;
let out: PilotResult[] = [];
let config: InterchangeConfig;

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => void start(JSON.parse(line)));
lines.once('close', () => stop());

async function start(c: InterchangeConfig) {
  config = c;
  try {
    router = await openPilotRouter({
      ...c,
      onMessage,
      onPeer: (p) => {
        if (p !== 'client' && !managers.has(p)) order(p, { kind: 'who' });
      },
      onSilent: (p, ms) => lose(p, `silent for ${ms} ms`),
    });
  } catch (e) {
    const { code, message } = e as SluiceError;
    console.log(JSON.stringify({ error: { code, message } }));
    process.exit(1);
  }
  console.log(JSON.stringify({ port: router.port }));
}
function stop() {
  for (const id of managers.keys()) order(id, { kind: 'stop', reason: 'the client is gone' });
  setTimeout(() => process.exit(0), 300);
}
function order(id: string, o: ManagerOrder) {
  router.send(id, encodeMessage(o));
}
function onMessage(peer: string, frames: readonly Uint8Array[]) {
  if (peer === 'client') return onClient(frames);
  const m = parseManagerMessage(frames);
  const known = managers.get(peer);
  if (m.kind === 'register') {
    const t = new Map<number, number>();
    for (const k of m.manager.holding) {
      t.set(k, 1);
      const q = pending.get(k);
      if (q) {
        queue.remove(q);
        pending.delete(k);
      }
    }
    managers.set(peer, {
      reg: m.manager,
      state: 'ready',
      tasks: t,
      used: t.size,
      prefetch: m.manager.prefetch,
      codes: new Set(),
      since: performance.now(),
      idleSince: performance.now(),
    });
    order(peer, { kind: 'welcome' });
    publish();
    place();
    return;
  }
  if (known === undefined) return order(peer, { kind: 'who' });
  switch (m.kind) {
    case 'results':
      for (const r of m.results) {
        const s = known.tasks.get(r.key);
        if (s !== undefined) {
          known.tasks.delete(r.key);
          known.used -= s;
        }
        out.push(r);
      }
      if (known.tasks.size === 0) known.idleSince = performance.now();
      flushSoon();
      place();
      drained(peer, known);
      publish();
      return;
    case 'prefetch':
      known.prefetch = m.tasks;
      place();
      return;
    case 'returned':
      for (const t of m.tasks) {
        const s = known.tasks.get(t.key);
        if (s === undefined) continue;
        known.tasks.delete(t.key);
        known.used -= s;
        pending.set(t.key, t);
        queue.putBack(t, t.priority);
      }
      place();
      return;
    case 'draining':
      known.state = 'draining';
      drained(peer, known);
      publish();
      return;
    case 'bye':
      lose(peer, m.reason);
      return;
  }
}
function drained(id: string, m: M) {
  if (m.state === 'draining' && m.tasks.size === 0) {
    m.state = 'drained';
    order(id, { kind: 'drained' });
  }
}
function lose(id: string, reason: string) {
  const m = managers.get(id);
  if (m === undefined) return;
  managers.delete(id);
  for (const key of m.tasks.keys())
    out.push({
      key,
      kind: 'failure',
      parts: [
        encodeError(
          new SluiceError('WORKER_LOST', `manager ${id} on ${m.reg.host} (${m.reg.blockId}) is lost: ${reason}`),
          { app: '' },
        ),
      ],
    });
  flushSoon();
  router.send('client', encodeMessage({ kind: 'managerLost', id, blockId: m.reg.blockId, reason }));
  router.drop(id);
  publish();
}
function matches(id: string, m: M, t: Target) {
  return 'manager' in t ? t.manager === id : m.reg.blockId === t.block;
}
function onClient(frames: readonly Uint8Array[]) {
  const m = parseClientMessage(frames);
  switch (m.kind) {
    case 'hello':
      router.send('client', encodeMessage({ kind: 'welcome' }));
      publish();
      return;
    case 'code':
      codes.set(m.code, m.bytes);
      return;
    case 'tasks': {
      const held = new Set([...managers.values()].flatMap((x) => [...x.tasks.keys()]));
      const add = () => {
        for (const t of m.tasks) {
          if (m.again && [...managers.values()].some((x) => x.tasks.has(t.key))) continue;
          pending.set(t.key, t);
          queue.push(t, t.priority);
        }
        place();
      };
      void held;
      if (m.again) setTimeout(add, 1500);
      else add();
      return;
    }
    case 'cancel':
      for (const k of m.keys) {
        const q = pending.get(k);
        if (q) {
          pending.delete(k);
          queue.remove(q);
          continue;
        }
        for (const [id, x] of managers) {
          const s = x.tasks.get(k);
          if (s !== undefined) {
            x.tasks.delete(k);
            x.used -= s;
            order(id, { kind: 'cancel', keys: [k] });
          }
        }
      }
      place();
      return;
    case 'command': {
      const c = m.command;
      const hit: string[] = [];
      for (const [id, x] of managers) {
        if (c.name === 'managers' || matches(id, x, c.target)) {
          hit.push(id);
          if (c.name === 'hold') x.state = 'held';
          if (c.name === 'release') x.state = 'ready';
          if (c.name === 'drain') {
            x.state = 'draining';
            order(id, { kind: 'drain' });
            drained(id, x);
          }
        }
      }
      router.send(
        'client',
        encodeMessage({ kind: 'reply', id: m.id, managers: hit.map((i) => info(i, managers.get(i) as M)) }),
      );
      publish();
      place();
      return;
    }
    case 'close':
      stop();
      return;
  }
}
function info(id: string, m: M): ManagerInfo {
  const { holding: _, remainingMs: __, ...rest } = m.reg;
  const now = performance.now();
  return {
    ...rest,
    prefetch: m.prefetch,
    state: m.state,
    usedSlots: Math.min(m.used, m.reg.slots),
    outstanding: m.tasks.size,
    connectedForMs: now - m.since,
    silentForMs: router.silentForMs(id),
    idleForMs: m.tasks.size > 0 ? 0 : now - m.idleSince,
  };
}
let pub: NodeJS.Timeout | undefined;
function publish() {
  pub ??= setTimeout(() => {
    pub = undefined;
    router.send('client', encodeMessage({ kind: 'managers', managers: [...managers].map(([i, m]) => info(i, m)) }));
  }, 100);
}
let soon = false;
function flushSoon() {
  if (soon) return;
  soon = true;
  setImmediate(() => {
    soon = false;
    if (out.length) {
      const r = out;
      out = [];
      router.send('client', encodeMessage({ kind: 'results', results: r }));
    }
  });
}
function place() {
  for (const [id, m] of managers) {
    if (m.state !== 'ready') continue;
    const batch: PilotTask[] = [];
    while (m.used < m.reg.slots + m.prefetch && batch.length < 512) {
      const t = queue.shift();
      if (t === undefined) break;
      pending.delete(t.key);
      const s = slotsFor(t.needs, m.reg.share);
      m.tasks.set(t.key, s);
      m.used += s;
      batch.push(t);
      if (!m.codes.has(t.code)) {
        m.codes.add(t.code);
        order(id, { kind: 'code', code: t.code, bytes: codes.get(t.code) as Uint8Array });
      }
    }
    if (batch.length) order(id, { kind: 'tasks', tasks: batch });
  }
}
