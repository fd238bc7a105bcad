import { expect, test } from 'vitest';
import type { SluiceError } from '../../../../src/errors.js';
import { encodeHeader, type LinkHeader, parseHeader } from '../../../../src/wire/pilot/link-header.js';
import { ACKNOWLEDGE_AFTER_MS, ReliableLink } from '../../../../src/wire/pilot/reliable-link.js';

type Frames = readonly Uint8Array[];

/** A link, what it transmitted and delivered, and a session that counts from a number of its own. */
function linkOf(firstSession: number, connected: 'now' | 'later' = 'now') {
  let session = firstSession;
  const wire: Frames[] = [];
  const delivered: string[] = [];
  const met: number[] = [];
  const link = new ReliableLink(
    {
      transmit: (frames) => wire.push(frames),
      deliver: ([text]) => delivered.push(String(text)),
      onPeer: () => met.push(delivered.length),
    },
    { newSession: () => session++, heartbeatMs: 1_000, resendAfterMs: 2_000, connected },
    0,
  );
  return { link, wire, delivered, met };
}

type Side = ReturnType<typeof linkOf>;

const say = (side: Side, text: string, nowMs = 0): void => side.link.send([Buffer.from(text)], nowMs);
const headersOf = (side: Side): LinkHeader[] => side.wire.map(([first]) => parseHeader(first));

/** Carries what one has transmitted to the other, except what `isLost`. */
function carry(from: Side, to: Side, options: { nowMs?: number; isLost?: (index: number) => boolean } = {}): void {
  from.wire.splice(0).forEach(([first, ...rest], index) => {
    if (options.isLost?.(index) !== true) to.link.receive(parseHeader(first), rest, options.nowMs ?? 0);
  });
}

function meet(left: Side, right: Side): void {
  left.link.tick(1_000);
  carry(left, right);
  right.link.tick(1_000);
  carry(right, left);
  left.wire.length = 0;
}

test('messages arrive in order, and the peer is met before the first', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  say(left, 'a');
  say(left, 'b');
  carry(left, right);
  expect(right.delivered).toEqual(['a', 'b']);
  expect(right.met).toEqual([0]);
});

test('an answer acknowledges what came before it', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  say(left, 'a');
  carry(left, right);
  say(right, 'b');
  carry(right, left);
  expect(left.link.unacknowledged).toBe(0);
  expect(right.link.owes).toBe(false);
});

test('without an answer, an acknowledgement is sent after a while, once', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  say(left, 'a');
  carry(left, right);
  right.link.tick(ACKNOWLEDGE_AFTER_MS - 1);
  expect(right.wire).toHaveLength(0);
  right.link.tick(ACKNOWLEDGE_AFTER_MS);
  right.link.tick(ACKNOWLEDGE_AFTER_MS + 1);
  expect(headersOf(right)).toEqual([{ session: 20, sequence: 0, peer: 10, acknowledged: 1, repeat: false }]);
});

test('without an answer, every 32nd message is acknowledged at once', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  for (let index = 0; index < 70; index++) say(left, `${index}`);
  carry(left, right);
  expect(headersOf(right).map(({ acknowledged }) => acknowledged)).toEqual([32, 64]);
});

test('what is missing is asked for once, and sent again from there on', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  for (const text of ['a', 'b', 'c', 'd']) say(left, text);
  carry(left, right, { isLost: (index) => index === 1 });
  expect(right.delivered).toEqual(['a']);
  expect(headersOf(right)).toEqual([{ session: 20, sequence: 0, peer: 10, acknowledged: 1, repeat: true }]);
  carry(right, left);
  expect(headersOf(left).map(({ sequence }) => sequence)).toEqual([2, 3, 4]);
  carry(left, right);
  expect(right.delivered).toEqual(['a', 'b', 'c', 'd']);
});

test('what arrives twice is delivered once, and acknowledged again', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  say(left, 'a');
  const [frames] = left.wire;
  carry(left, right);
  right.link.tick(ACKNOWLEDGE_AFTER_MS);
  right.wire.length = 0;
  left.wire.push(frames as Frames);
  carry(left, right, { nowMs: 100 });
  right.link.tick(100 + ACKNOWLEDGE_AFTER_MS);
  expect(right.delivered).toEqual(['a']);
  expect(headersOf(right)).toMatchObject([{ acknowledged: 1 }]);
});

test('a connection that is there again brings what either side had under way', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  meet(left, right);
  say(left, 'lost on the way there');
  say(right, 'lost on the way back');
  left.wire.length = 0;
  right.wire.length = 0;
  left.link.disconnected();
  say(left, 'said without a connection');
  expect(left.wire).toHaveLength(0);
  left.link.connected(0);
  carry(left, right);
  carry(right, left);
  expect(right.delivered).toEqual(['lost on the way there', 'said without a connection']);
  expect(left.delivered).toEqual(['lost on the way back']);
});

test('what is said before the first connection waits for it', () => {
  const [left, right] = [linkOf(10, 'later'), linkOf(20)];
  say(left, 'a');
  left.link.tick(5_000);
  expect(left.wire).toHaveLength(0);
  left.link.connected(5_000);
  carry(left, right);
  expect(right.delivered).toEqual(['a']);
});

test('what a peer that is heard does not acknowledge is sent again, ever more rarely', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  meet(left, right);
  say(left, 'a', 0);
  left.wire.length = 0;
  const heard = (nowMs: number): number => {
    right.link.tick(nowMs);
    carry(right, left, { nowMs });
    return left.wire.splice(0).length;
  };
  expect(heard(1_900)).toBe(0);
  expect(heard(3_000)).toBe(1);
  expect(heard(6_000)).toBe(0);
  expect(heard(7_500)).toBe(1);
});

test('a silent link beats', () => {
  const { link, wire } = linkOf(10);
  link.tick(999);
  expect(wire).toHaveLength(0);
  link.tick(1_000);
  link.tick(1_500);
  link.tick(2_000);
  expect(wire).toHaveLength(2);
});

test('a peer that was started anew is met again, and numbering begins anew', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  meet(left, right);
  say(right, 'for the one before');
  right.wire.length = 0;
  const again = linkOf(30);
  say(again, 'hello');
  carry(again, right);
  expect(right.met).toEqual([0, 0]);
  expect(right.delivered).toEqual(['hello']);
  expect(right.link.unacknowledged).toBe(0);
  say(right, 'welcome');
  carry(right, again);
  expect(again.delivered).toEqual(['welcome']);
  expect(again.met).toEqual([0]);
});

test('one that was started anew makes its peer begin anew, though that speaks first', () => {
  const [left, right] = [linkOf(10), linkOf(20)];
  meet(left, right);
  say(right, 'one');
  carry(right, left);
  const again = linkOf(30);
  say(right, 'two');
  carry(right, again);
  expect(again.delivered).toEqual([]);
  carry(again, right);
  expect(right.met).toEqual([0, 0]);
  say(right, 'three');
  carry(right, again);
  expect(again.delivered).toEqual(['three']);
});

test('a header is 20 bytes and comes back as it was', () => {
  const header = { session: 4_294_967_295, sequence: 1, peer: 2, acknowledged: 3, repeat: true };
  expect(encodeHeader(header)).toHaveLength(20);
  expect(parseHeader(encodeHeader(header))).toEqual(header);
});

test('what is no header is refused by name', () => {
  const header = encodeHeader({ session: 1, sequence: 1, peer: 0, acknowledged: 0, repeat: false });
  const otherVersion = Uint8Array.from(header);
  otherVersion[2] = 9;
  const codeOf = (frame: Uint8Array | undefined): unknown => {
    try {
      return parseHeader(frame);
    } catch (error) {
      return (error as SluiceError).code;
    }
  };
  expect(codeOf(undefined)).toBe('PROTOCOL');
  expect(codeOf(new Uint8Array(3))).toBe('PROTOCOL');
  expect(codeOf(header.subarray(0, 19))).toBe('PROTOCOL');
  expect(codeOf(Buffer.from('SLuice is no header!'))).toBe('VERSION_MISMATCH');
  expect(codeOf(otherVersion)).toBe('VERSION_MISMATCH');
});
