// Many managers in one process, for the figure of a crowd: `pilot-crowd-main.ts COUNT`, configured as a manager is. Each
// has a link and a registration of its own, and answers every task at once instead of running it.
import { hostname } from 'node:os';
import { openPilotLink, type PilotLink } from '../src/transport/pilot-link.js';
import { VERSION } from '../src/version.js';
import { encode } from '../src/wire/codec.js';
import { packOutcome } from '../src/wire/pilot/envelope-parts.js';
import { encodeMessage, parseManagerOrder } from '../src/wire/pilot/message-codec.js';
import type { ManagerOrder, ManagerRegistration } from '../src/wire/pilot/messages.js';
import { takePilotConfig } from '../src/worker/take-pilot-config.js';

const SLOTS = 32;
const count = Number(process.argv[2]);
const config = takePilotConfig();
const answer = packOutcome({
  kind: 'value',
  value: { kind: 'inline', bytes: encode(0).bytes, files: [] },
  usage: { runMs: 0, stagingMs: 0, where: 'nowhere' },
});

function registration(id: string): ManagerRegistration {
  return {
    id,
    blockId: config.blockId,
    host: hostname(),
    pid: process.pid,
    sluice: VERSION,
    node: process.version,
    packages: {},
    slots: SLOTS,
    share: { cores: 1, accelerators: 0 },
    prefetch: 0,
    cores: SLOTS,
    memoryMiB: 1024,
    accelerators: 0,
    holding: [],
  };
}

function obey(order: ManagerOrder, link: PilotLink): void {
  if (order.kind === 'stop') process.exit(0);
  if (order.kind !== 'tasks') return;
  const results = order.tasks.map(({ key }) => ({ key, kind: 'outcome' as const, parts: answer }));
  link.send(encodeMessage({ kind: 'results', results }));
}

for (let index = 0; index < count; index++) {
  const id = `${config.blockId}-${index}`;
  const link: PilotLink = await openPilotLink({
    ...config,
    id,
    onMessage: (frames) => obey(parseManagerOrder(frames), link),
    onPeer: () => link.send(encodeMessage({ kind: 'register', manager: registration(id) })),
    onLost: () => process.exit(1),
  } as Parameters<typeof openPilotLink>[0]);
}
