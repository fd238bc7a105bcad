import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseHeader } from '../../src/wire/pilot/link-header.js';
import { ReliableLink } from '../../src/wire/pilot/reliable-link.js';

type Frames = readonly Uint8Array[];
type Name = 'left' | 'right';

const OTHER = { left: 'right', right: 'left' } as const;
const HEARTBEAT_MS = 200;

let sessions = 1;

/** Two links over a wire that keeps order, and loses, doubles and delays what it likes. */
class Wire {
  nowMs = 0;
  readonly #queues: Record<Name, Frames[]> = { left: [], right: [] };
  readonly links: Record<Name, ReliableLink>;
  readonly delivered: Record<Name, string[]> = { left: [], right: [] };
  readonly met: Record<Name, number> = { left: 0, right: 0 };

  constructor() {
    this.links = { left: this.#start('left'), right: this.#start('right') };
  }

  #start(name: Name): ReliableLink {
    return new ReliableLink(
      {
        transmit: (frames) => this.#queues[name].push(frames),
        deliver: ([text]) => this.delivered[name].push(String(text)),
        onPeer: () => {
          this.met[name] += 1;
        },
      },
      { newSession: () => sessions++, heartbeatMs: HEARTBEAT_MS, resendAfterMs: 300, connected: 'now' },
      this.nowMs,
    );
  }

  restart(name: Name): void {
    this.#queues[name].length = 0;
    this.delivered[name] = [];
    this.links[name] = this.#start(name);
  }

  say(name: Name, text: string): void {
    this.links[name].send([Buffer.from(text)], this.nowMs);
  }

  pass(name: Name, fate: 'arrives' | 'lost' | 'twice'): void {
    const frames = this.#queues[name].shift();
    if (frames === undefined || fate === 'lost') return;
    for (let times = fate === 'twice' ? 2 : 1; times > 0; times--) {
      const [first, ...rest] = frames;
      this.links[OTHER[name]].receive(parseHeader(first), rest, this.nowMs);
    }
  }

  /** The connection breaks: what was on the way is gone. */
  cut(name: Name): void {
    this.#queues.left.length = 0;
    this.#queues.right.length = 0;
    this.links[name].disconnected();
    this.links[name].connected(this.nowMs);
  }

  tick(ms: number): void {
    this.nowMs += ms;
    this.links.left.tick(this.nowMs);
    this.links.right.tick(this.nowMs);
  }

  settle(): void {
    for (let round = 0; round < 200; round++) {
      this.tick(HEARTBEAT_MS / 2);
      while (this.#queues.left.length + this.#queues.right.length > 0) {
        this.pass('left', 'arrives');
        this.pass('right', 'arrives');
      }
    }
  }
}

const name = fc.constantFrom<Name>('left', 'right');
const anyFate = fc.constantFrom(
  'arrives' as const,
  'arrives' as const,
  'arrives' as const,
  'lost' as const,
  'twice' as const,
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('say' as const), name }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('pass' as const), name, fate: anyFate }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), name }) },
);

test('whatever the wire loses, doubles and delays, each message arrives once and in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const wire = new Wire();
      const said: Record<Name, string[]> = { left: [], right: [] };
      steps.forEach((each, index) => {
        if (each.kind === 'say') {
          wire.say(each.name, `${index}`);
          said[each.name].push(`${index}`);
        } else if (each.kind === 'pass') wire.pass(each.name, each.fate);
        else if (each.kind === 'tick') wire.tick(each.ms);
        else wire.cut(each.name);
        expect(said.left.slice(0, wire.delivered.right.length)).toEqual(wire.delivered.right);
        expect(said.right.slice(0, wire.delivered.left.length)).toEqual(wire.delivered.left);
      });
      wire.settle();
      expect(wire.delivered).toEqual({ right: said.left, left: said.right });
      expect(wire.met).toEqual({ left: 1, right: 1 });
      expect(wire.links.left.unacknowledged + wire.links.right.unacknowledged).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test('whoever is started anew, nothing arrives twice or out of turn, and both find to each other again', () => {
  const restart = fc.record({ kind: fc.constant('restart' as const), name });
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 12, arbitrary: step }, { weight: 1, arbitrary: restart }), {
        maxLength: 150,
        size: 'max',
      }),
      (steps) => {
        const wire = new Wire();
        steps.forEach((each, index) => {
          if (each.kind === 'say') wire.say(each.name, `${index}`);
          else if (each.kind === 'pass') wire.pass(each.name, each.fate);
          else if (each.kind === 'tick') wire.tick(each.ms);
          else if (each.kind === 'cut') wire.cut(each.name);
          else wire.restart(each.name);
          for (const got of [wire.delivered.left, wire.delivered.right]) {
            const numbers = got.map(Number);
            expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
          }
        });
        wire.settle();
        const before = { left: wire.delivered.left.length, right: wire.delivered.right.length };
        wire.say('left', 'from left');
        wire.say('right', 'from right');
        wire.settle();
        expect(wire.delivered.right.slice(before.right)).toEqual(['from left']);
        expect(wire.delivered.left.slice(before.left)).toEqual(['from right']);
      },
    ),
    {
      numRuns: 500,
      examples: [
        [
          // Twice in a row, with nothing heard between: each side takes the other for a stranger.
          [
            { kind: 'tick', ms: 200 },
            { kind: 'pass', name: 'left', fate: 'arrives' },
            { kind: 'restart', name: 'left' },
            { kind: 'say', name: 'left' },
            { kind: 'pass', name: 'left', fate: 'arrives' },
            { kind: 'restart', name: 'left' },
          ],
        ],
      ],
    },
  );
});
