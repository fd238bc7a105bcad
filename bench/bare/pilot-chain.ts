import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { curveKeyPair, Dealer } from 'zeromq';

/** zeromq alone through the processes of a pilot: client, interchange, manager, worker, and back. */
export interface PilotChain extends AsyncDisposable {
  /** Sends a message through to the worker and resolves with the answer. */
  roundTrip(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Sizes of what travels. */
export interface ChainSizes {
  readonly messageBytes: number;
  readonly answerBytes: number;
}

/** What the processes meet at: TCP, as between machines, or a Unix socket, as the executor's on one machine do. */
export type ChainSockets = 'tcp' | 'unix';

/** Starts the four processes, with CurveZMQ or without. */
export async function openPilotChain(
  wire: 'curve' | 'plain',
  sizes: ChainSizes,
  sockets: ChainSockets = 'unix',
): Promise<PilotChain> {
  const [server, client, manager] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
  const isCurve = wire === 'curve';
  const children: ChildProcess[] = [];
  const start = (role: string, settings: object): ChildProcess => {
    const main = fileURLToPath(new URL('./pilot-chain-process.mjs', import.meta.url));
    const child = spawn(process.execPath, [main, role, JSON.stringify(settings)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  };
  const bind = sockets === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://@sluice-bench-${randomBytes(12).toString('hex')}`;
  const interchange = start('interchange', { address: bind, ...(isCurve && { keys: server }) });
  const [line] = await once(interchange.stdout as NodeJS.ReadableStream, 'data');
  const address = String(line).trim();
  const dealer = new Dealer({
    routingId: 'client',
    sendHighWaterMark: 0,
    sendTimeout: 0,
    ...(isCurve && {
      curveServerKey: server.publicKey,
      curvePublicKey: client.publicKey,
      curveSecretKey: client.secretKey,
    }),
  });
  dealer.connect(address);
  start('manager', { address, ...sizes, ...(isCurve && { keys: manager, serverKey: server.publicKey }) });
  await dealer.receive();
  const waiting: ((answer: Uint8Array) => void)[] = [];
  let head = 0;
  const receiveAll = async (): Promise<void> => {
    for await (const [answer] of dealer) waiting[head++]?.(answer as Uint8Array);
  };
  // Fails when the socket is closed.
  receiveAll().catch(() => {});
  return {
    roundTrip(bytes) {
      const answer = new Promise<Uint8Array>((resolve) => waiting.push(resolve));
      void dealer.send(bytes);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      dealer.close();
      const ends = children.map((child) => once(child, 'exit'));
      for (const child of children) child.stdin?.end();
      await Promise.all(ends);
    },
  };
}
