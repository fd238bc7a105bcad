import { messageOf, SluiceError } from '../errors.js';
import { encodeHeader, parseHeader } from '../wire/pilot/link-header.js';
import { openDealer } from './dealer-end.js';
import { newSession } from './new-session.js';
import type { ClientSecurity, DealerEnd, Frames } from './transport.js';

interface Knock {
  readonly addresses: readonly string[];
  readonly connectTimeoutMs: number;
  readonly id: string;
  readonly security?: ClientSecurity;
  readonly maxMessageBytes: number;
}

/**
 * Knocks at all addresses at once and resolves with the first at which an interchange answers. Nothing stays open.
 * Rejects as `openPilotLink` does.
 */
export async function firstToAnswer(options: Knock): Promise<string> {
  const { addresses, connectTimeoutMs } = options;
  const dealers: DealerEnd[] = [];
  const outcomes = new Map(addresses.map((address) => [address, 'no answer']));
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  try {
    return await new Promise<string>((resolve, reject) => {
      const give = (address: string, outcome: string, isRefusal: boolean): void => {
        outcomes.set(address, outcome);
        if (isRefusal) refused.add(address);
        if (refused.size === addresses.length) reject(denied(outcomes));
      };
      const refused = new Set<string>();
      const fail = (): void => reject(unreachable(outcomes, connectTimeoutMs));
      timer = setTimeout(fail, connectTimeoutMs);
      if (addresses.length === 0) fail();
      addresses.forEach((address, index) => {
        const id = `knock-${index}-${options.id}`;
        const opened = openDealer({
          ...options,
          address,
          id,
          onMessage: (frames) => {
            const answer = parseAnswer(frames);
            if (answer === 'interchange') resolve(address);
            else if (answer !== 'garbage') reject(answer);
          },
          onConnected: () => give(address, 'connected, but no answer', false),
          onRefused: (reason, by) => {
            give(address, reason, true);
            if (by === 'server') reject(denied(new Map([[address, reason]])));
          },
        });
        opened.then(
          (dealer) => {
            if (isOver) return dealer.close();
            dealers.push(dealer);
            dealer.send([
              encodeHeader({ session: newSession(), sequence: 0, peer: 0, acknowledged: 0, repeat: false }),
            ]);
          },
          (error) => give(address, messageOf(error), false),
        );
      });
    });
  } finally {
    isOver = true;
    clearTimeout(timer);
    await Promise.all(dealers.map((dealer) => dealer.close()));
  }
}

function parseAnswer([first]: Frames): 'interchange' | 'garbage' | SluiceError {
  try {
    parseHeader(first);
    return 'interchange';
  } catch (error) {
    return error instanceof SluiceError && error.code === 'VERSION_MISMATCH' ? error : 'garbage';
  }
}

function unreachable(outcomes: ReadonlyMap<string, string>, afterMs: number): SluiceError {
  return new SluiceError(
    'UNREACHABLE',
    `no interchange answered within ${afterMs} ms at any of the addresses tried:\n${listed(outcomes)}\n` +
      'Give the executor an address that its nodes can reach, and open its port in the firewall.',
  );
}

function denied(outcomes: ReadonlyMap<string, string>): SluiceError {
  return new SluiceError('ACCESS_DENIED', `the interchange does not let this peer in:\n${listed(outcomes)}`);
}

function listed(outcomes: ReadonlyMap<string, string>): string {
  return [...outcomes].map(([address, outcome]) => `  ${address}: ${outcome}`).join('\n');
}
