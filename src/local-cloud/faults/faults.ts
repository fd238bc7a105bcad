import type { FaultRule, FaultSubject, Faults } from './fault.js';
import { createFaultScript, type FaultScript, type Struck } from './fault-script.js';
import { resolveFaultRules } from './resolve-fault-rules.js';

/** What the services ask before they answer. */
export interface FaultSource {
  /** The fault of this request; `undefined` at once where no script is set. */
  strike(subject: FaultSubject): Struck | undefined;
}

/** Where no faults are wanted. */
export const NO_FAULTS: FaultSource = { strike: () => undefined };

/** A script that can be replaced; tells `log` of each fault. @throws {SluiceError} `INVALID_OPTIONS` */
export function createFaults(options: {
  readonly rules: readonly FaultRule[];
  readonly seed?: number | undefined;
  readonly log: (line: string) => void;
}): Faults & FaultSource {
  let script: FaultScript | undefined;
  const set: Faults['set'] = (rules, { seed } = {}) => {
    const resolved = resolveFaultRules(rules, { seed });
    script = resolved.rules.length === 0 ? undefined : createFaultScript(resolved.rules, { seed: resolved.seed, now });
  };
  set(options.rules, options.seed === undefined ? {} : { seed: options.seed });
  return {
    set,
    counts: () => script?.counts() ?? [],
    strike(subject) {
      const struck = script?.strike(subject);
      if (struck === undefined) return undefined;
      options.log(`fault ${struck.rule}: ${describeFault(struck.fault)} on ${describeSubject(subject)}`);
      return struck.fault;
    },
  };
}

const now = (): number => performance.now();

function describeFault(fault: Struck): string {
  if (fault.kind === 'cut') return `cut in the ${fault.where}`;
  if (fault.kind !== 'error') return fault.kind;
  return `${fault.code ?? fault.status ?? 'error'} ${fault.execution ?? 'before'} execution`;
}

function describeSubject({ service, operation, functionName, bucket, key }: FaultSubject): string {
  const name = functionName ?? [bucket, key].filter((part) => part !== undefined).join('/');
  return `${service} ${operation} ${name}`.trimEnd();
}
