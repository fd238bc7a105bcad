import { openPilotRouter, type PilotRouter } from '../transport/pilot-router.js';
import type { Frames } from '../transport/transport.js';
import { VERSION } from '../version.js';
import { encodeMessage } from '../wire/pilot/message-codec.js';
import { Broker } from './broker.js';
import type { InterchangeConfig } from './interchange-config.js';
import { loadSelector } from './load-selector.js';
import { readMessage } from './read-message.js';

/** An interchange that listens. */
export interface Interchange {
  readonly port: number;
  /** Tells every manager to stop, and ends. */
  stop(reason: string): void;
  /** Resolves once it has ended, by {@link stop} or because its client said so. */
  readonly ended: Promise<void>;
}

/** Puts a {@link Broker} among sockets and timers. @throws {SluiceError} as `openPilotRouter` and `loadSelector` do */
export async function startInterchange(config: InterchangeConfig): Promise<Interchange> {
  const selector = await loadSelector(config.selector);
  let router: PilotRouter | undefined;
  let client: string | undefined;
  let onEnded = (): void => {};
  const ended = new Promise<void>((resolve) => {
    onEnded = resolve;
  });
  const send = (peer: string | undefined, frames: Frames): void => {
    if (peer !== undefined) router?.send(peer, frames);
  };
  const broker = new Broker(
    {
      toClient: (message) => send(client, encodeMessage(message)),
      toManager: (id, order) => send(id, encodeMessage(order)),
      forget: (id) => router?.drop(id),
      silentForMs: (id) => router?.silentForMs(id) ?? 0,
      end: () => {
        flush.stop();
        void router?.close().then(onEnded);
      },
    },
    { ...config, sluice: VERSION, selector },
  );
  const flush = new Flush(broker);
  const onMessage = (peer: string, frames: Frames): void => {
    const nowMs = performance.now();
    const read = readMessage(frames, peer === client ? 'client' : 'manager');
    switch (read.from) {
      case 'client':
        if (read.message.kind === 'hello') {
          if (!broker.admits(read.message)) return;
          client = peer;
        }
        if (peer === client) broker.onClient(read.message, nowMs);
        break;
      case 'manager':
        broker.onManager(peer, read.message, nowMs);
        break;
      case 'other version':
        broker.refuse(peer, read);
        break;
      case 'nobody':
        return;
    }
    flush.soon();
  };
  router = await openPilotRouter({
    ...config,
    onMessage,
    onPeer: (peer) => broker.onPeer(peer),
    onSilent: (peer, silentMs) => {
      broker.onSilent(peer, silentMs);
      flush.soon();
    },
    // A client that computes says nothing; when it has ended, the end of stdin tells.
    isKept: (peer) => peer === client,
  });
  return { port: router.port, stop: (reason) => broker.stop(reason), ended };
}

/** After a pause of this length a message is acted upon at once: there is nothing to wait for. */
const IDLE_MS = 0.1;

/** Flushes the broker once all that has come is taken in, and when something is due. */
class Flush {
  readonly #broker: Broker;
  #soon: NodeJS.Immediate | undefined;
  #alarm: NodeJS.Timeout | undefined;
  #alarmAtMs = Number.POSITIVE_INFINITY;
  #isStopped = false;
  #ranAtMs = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  soon(): void {
    if (this.#isStopped || this.#soon !== undefined) return;
    if (performance.now() - this.#ranAtMs > IDLE_MS) this.#run();
    else this.#soon = setImmediate(this.#run);
  }

  stop(): void {
    this.#isStopped = true;
    clearImmediate(this.#soon);
    clearTimeout(this.#alarm);
  }

  readonly #run = (): void => {
    this.#soon = undefined;
    this.#ranAtMs = performance.now();
    this.#broker.flush(this.#ranAtMs);
    const dueAtMs = this.#broker.dueAtMs();
    if (this.#isStopped || dueAtMs === this.#alarmAtMs) return;
    clearTimeout(this.#alarm);
    this.#alarmAtMs = dueAtMs;
    if (dueAtMs !== Number.POSITIVE_INFINITY)
      this.#alarm = setTimeout(this.#ring, Math.max(1, dueAtMs - performance.now()));
  };

  readonly #ring = (): void => {
    this.#alarmAtMs = Number.POSITIVE_INFINITY;
    this.#run();
  };
}
