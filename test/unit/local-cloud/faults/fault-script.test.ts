import { describe, expect, test } from 'vitest';
import type { FaultRule, FaultSubject } from '../../../../src/local-cloud/faults/fault.js';
import { createFaultScript } from '../../../../src/local-cloud/faults/fault-script.js';
import { resolveFaultRules } from '../../../../src/local-cloud/faults/resolve-fault-rules.js';

const GET: FaultSubject = { service: 's3', operation: 'GetObject', bucket: 'b', key: 'data/a' };
const INVOKE: FaultSubject = { service: 'lambda', operation: 'Invoke', functionName: 'f' };
const ERROR = { kind: 'error' } as const;

function script(rules: readonly FaultRule[], seed = 1) {
  const clock = { nowMs: 0 };
  const resolved = resolveFaultRules(rules, { seed });
  return { clock, ...createFaultScript(resolved.rules, { seed, now: () => clock.nowMs }) };
}

/** Which of `count` requests are struck, counted from 1. */
function struck(rules: readonly FaultRule[], count: number, seed = 1): number[] {
  const { strike } = script(rules, seed);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return numbers.filter(() => strike(GET) !== undefined);
}

describe('when a rule strikes', () => {
  test.each<[string, Partial<FaultRule>, number[]]>([
    ['without conditions: always', {}, [1, 2, 3, 4, 5, 6, 7]],
    ['nth: that one alone', { nth: 3 }, [3]],
    ['every: each so manieth', { every: 3 }, [3, 6]],
    ['times: no more than that', { times: 2 }, [1, 2]],
    ['all conditions together', { every: 2, times: 2 }, [2, 4]],
    ['probability 0: never', { probability: 0 }, []],
    ['probability 1: always', { probability: 1 }, [1, 2, 3, 4, 5, 6, 7]],
  ])('%s', (_, when, expected) => {
    expect(struck([{ ...when, fault: ERROR }], 7)).toEqual(expected);
  });

  test('probability: that share, the same for the same seed, another for another', () => {
    const rules: FaultRule[] = [{ probability: 0.1, fault: ERROR }];
    const first = struck(rules, 10_000);
    expect(first.length).toBeGreaterThan(900);
    expect(first.length).toBeLessThan(1100);
    expect(struck(rules, 10_000)).toEqual(first);
    expect(struck(rules, 10_000, 2)).not.toEqual(first);
  });

  test('the numbers of one rule do not depend on the others', () => {
    const rule: FaultRule = { probability: 0.3, fault: ERROR };
    const other: FaultRule = { operation: 'PutObject', probability: 0.5, fault: ERROR };
    expect(struck([rule, other], 100)).toEqual(struck([rule], 100));
  });

  test('forMs: until that time has passed since the script was set', () => {
    const { strike, clock } = script([{ forMs: 100, fault: ERROR }]);
    clock.nowMs = 99;
    expect(strike(GET)).toBeDefined();
    clock.nowMs = 100;
    expect(strike(GET)).toBeUndefined();
  });

  test('the first that strikes wins, and those behind it do not see the request', () => {
    const { strike, counts } = script([
      { name: 'odd', every: 2, fault: ERROR },
      { name: 'all', fault: { kind: 'cut', where: 'body' } },
    ]);
    expect([strike(GET), strike(GET), strike(GET)].map((one) => one?.rule)).toEqual(['all', 'odd', 'all']);
    expect(counts()).toEqual([
      { rule: 'odd', matched: 3, injected: 1 },
      { rule: 'all', matched: 2, injected: 2 },
    ]);
  });
});

describe('a rule matches', () => {
  test.each<[Partial<FaultRule>, boolean, boolean]>([
    [{}, true, true],
    [{ service: 's3' }, true, false],
    [{ operation: 'GetObject' }, true, false],
    [{ operation: ['PutObject', 'GetObject'] }, true, false],
    [{ operation: 'PutObject' }, false, false],
    [{ operation: ['GetObject', 'HeadObject'], bucket: 'b', keyPrefix: 'data/' }, true, false],
    [{ bucket: 'c' }, false, false],
    [{ keyPrefix: 'other/' }, false, false],
    [{ functionName: 'f' }, false, true],
    [{ functionName: 'g' }, false, false],
  ])('%j', (rule, get, invoke) => {
    const { strike } = script([{ ...rule, fault: ERROR }]);
    expect([strike(GET) !== undefined, strike(INVOKE) !== undefined]).toEqual([get, invoke]);
  });

  test('the code of an error tells the service, where only one documents it', () => {
    const { strike } = script([{ fault: { kind: 'error', code: 'SlowDown' } }]);
    expect([strike(GET) !== undefined, strike(INVOKE) !== undefined]).toEqual([true, false]);
  });

  test('faults of invocations match Invoke alone', () => {
    const { strike } = script([{ fault: { kind: 'duplicate' } }]);
    expect(strike({ service: 'lambda', operation: 'GetFunction', functionName: 'f' })).toBeUndefined();
    expect(strike(INVOKE)?.fault).toEqual({ kind: 'duplicate' });
  });
});

describe('a burst', () => {
  test('refuses so many requests, and opens again when its rule strikes again', () => {
    const rule: FaultRule = { every: 5, fault: { kind: 'throttleBurst', requests: 3 } };
    expect(struck([rule], 15)).toEqual([5, 6, 7, 10, 11, 12, 15]);
    expect(struck([{ ...rule, times: 1 }], 15)).toEqual([5, 6, 7]);
  });

  test('refuses for so long', () => {
    const { strike, clock } = script([{ nth: 1, fault: { kind: 'throttleBurst', forMs: 50 } }]);
    const at = (nowMs: number): boolean => {
      clock.nowMs = nowMs;
      return strike(INVOKE) !== undefined;
    };
    expect([at(10), at(59), at(60), at(61)]).toEqual([true, true, false, false]);
  });

  test('is 429 with its reason on Lambda, and 503 SlowDown on S3', () => {
    const burst = { kind: 'throttleBurst', requests: 9 } as const;
    const { strike } = script([{ fault: burst }]);
    expect(strike(GET)?.fault).toMatchObject({ kind: 'error', code: 'SlowDown' });
    expect(strike(INVOKE)?.fault).toMatchObject({ kind: 'error', code: 'TooManyRequestsException' });
    const caller = script([{ fault: { ...burst, reason: 'CallerRateLimitExceeded' } }]);
    expect(caller.strike(GET)).toBeUndefined();
    expect(caller.strike(INVOKE)?.fault).toMatchObject({ reason: 'CallerRateLimitExceeded' });
  });
});

describe('a rule that does not fit is refused, and named', () => {
  test.each<[string, unknown, RegExp]>([
    ['a word too many', { fault: ERROR, chance: 0.1 }, /chance/],
    ['a fault that does not exist', { fault: { kind: 'explode' } }, /fault\.kind/],
    ['a probability above 1', { probability: 10, fault: ERROR }, /probability/],
    ['an operation that does not exist', { operation: 'GetObjects', fault: ERROR }, /operation/],
    ['an operation of the other service', { service: 's3', operation: 'Invoke', fault: ERROR }, /no service has all/],
    ['a bucket and a function', { bucket: 'b', functionName: 'f', fault: ERROR }, /no service has all/],
    ['a key prefix of an invocation', { keyPrefix: 'a', fault: { kind: 'duplicate' } }, /no service has all/],
    ['a duplicate of a list', { operation: 'ListFunctions', fault: { kind: 'duplicate' } }, /operation Invoke only/],
    ['a code nobody documents', { fault: { kind: 'error', code: 'Tired' } }, /not documented .*give its status/],
    ['a 200 of what has no such errors', { operation: 'GetObject', fault: { ...ERROR, status: 200 } }, /fault\.status/],
    ['a reason nobody documents', { fault: { kind: 'throttleBurst', requests: 1, reason: 'Tired' } }, /reason/],
    ['a burst without an end', { fault: { kind: 'throttleBurst' } }, /give requests or forMs/],
    ['a burst with two ends', { fault: { kind: 'throttleBurst', requests: 1, forMs: 1 } }, /give requests or forMs/],
    ['a slowness of nothing', { fault: { kind: 'slow' } }, /give latencyMs, bytesPerSecond/],
    ['an init longer than Lambda allows', { fault: { kind: 'coldStart', initMs: 10_001 } }, /initMs/],
  ])('%s', (_, rule, message) => {
    const set = () => resolveFaultRules([{ fault: ERROR }, rule as FaultRule]);
    expect(set).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) }));
    expect(set).toThrow(/faults\[1\]/);
    expect(set).not.toThrow(/faults\[0\]/);
  });
});
