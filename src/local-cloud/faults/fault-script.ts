import type { ErrorFault, Fault, FaultCount, FaultSubject } from './fault.js';
import type { ResolvedFaultRule } from './resolve-fault-rules.js';
import { seededRandom } from './seeded-random.js';

/** What happens to one request: of a burst, the refusal. */
export type Struck = Exclude<Fault, { kind: 'throttleBurst' }>;

/** Decides about each request, by the rules, their random numbers and the clock it is given. Does no I/O. */
export interface FaultScript {
  /** The fault of this request, with the name of its rule. */
  strike(subject: FaultSubject): { readonly rule: string; readonly fault: Struck } | undefined;
  counts(): readonly FaultCount[];
}

interface RuleState {
  readonly rule: ResolvedFaultRule;
  readonly random: () => number;
  matched: number;
  injected: number;
  strikes: number;
  /** Of an open burst: refusals still to come, and its end. */
  burst: { left: number; readonly endsAtMs: number } | undefined;
}

/** A script that begins now. */
export function createFaultScript(
  rules: readonly ResolvedFaultRule[],
  { seed, now }: { readonly seed: number; readonly now: () => number },
): FaultScript {
  const states = rules.map((rule, index): RuleState => {
    // A stream of numbers for each rule: what one rule draws does not depend on the others.
    const random = seededRandom(seed * 1_000_003 + index);
    return { rule, random, matched: 0, injected: 0, strikes: 0, burst: undefined };
  });
  const startedAtMs = now();
  return {
    strike(subject) {
      for (const state of states) {
        if (!matches(state.rule, subject)) continue;
        state.matched += 1;
        const fault = strikeOnce(state, subject, { startedAtMs, nowMs: now() });
        if (fault === undefined) continue;
        state.injected += 1;
        return { rule: state.rule.name, fault };
      }
      return undefined;
    },
    counts: () => states.map(({ rule, matched, injected }) => ({ rule: rule.name, matched, injected })),
  };
}

function matches(rule: ResolvedFaultRule, subject: FaultSubject): boolean {
  const { service, operations, functionName, bucket, keyPrefix } = rule;
  if (service !== undefined && service !== subject.service) return false;
  if (operations !== undefined && !operations.has(subject.operation)) return false;
  if (functionName !== undefined && functionName !== subject.functionName) return false;
  if (bucket !== undefined && bucket !== subject.bucket) return false;
  return keyPrefix === undefined || subject.key?.startsWith(keyPrefix) === true;
}

function strikeOnce(
  state: RuleState,
  subject: FaultSubject,
  { startedAtMs, nowMs }: { readonly startedAtMs: number; readonly nowMs: number },
): Struck | undefined {
  const { fault } = state.rule;
  const due = isDue(state, nowMs - startedAtMs);
  if (fault.kind !== 'throttleBurst') return due ? countStrike(state, fault) : undefined;
  if (state.burst !== undefined && (state.burst.left <= 0 || nowMs >= state.burst.endsAtMs)) state.burst = undefined;
  if (state.burst === undefined && !due) return undefined;
  state.burst ??= countStrike(state, {
    left: fault.requests ?? Number.POSITIVE_INFINITY,
    endsAtMs: nowMs + (fault.forMs ?? Number.POSITIVE_INFINITY),
  });
  state.burst.left -= 1;
  return refusal(subject, fault.reason);
}

function isDue({ rule, random, matched, strikes }: RuleState, elapsedMs: number): boolean {
  const { probability, nth, every, times, forMs } = rule;
  // Drawn for each request, needed or not: the sequence depends on how many came, and on nothing else.
  const drawn = probability === undefined || random() < probability;
  if (!drawn || (nth !== undefined && matched !== nth)) return false;
  if (every !== undefined && matched % every !== 0) return false;
  if (times !== undefined && strikes >= times) return false;
  return forMs === undefined || elapsedMs < forMs;
}

function countStrike<T>(state: RuleState, what: T): T {
  state.strikes += 1;
  return what;
}

function refusal({ service }: FaultSubject, reason: string | undefined): ErrorFault {
  if (service === 's3') return { kind: 'error', code: 'SlowDown', message: 'Please reduce your request rate.' };
  if (service === 'gcs') return { kind: 'error', code: 'rateLimitExceeded', message: 'Rate limit exceeded.' };
  return { kind: 'error', code: 'TooManyRequestsException', ...(reason !== undefined && { reason }) };
}
