import fc from 'fast-check';

/** How one attempt of a task, or of a join's body, ends. */
export type AttemptScript = { readonly kind: 'fails' | 'lost' | 'useless'; readonly cost: number };

/** A call, as the random graphs describe it. What it refers to is picked from what is in scope. */
export interface NodeSpec {
  readonly dependencies: readonly number[];
  readonly shape: number;
  /** How its first attempts end; those after them go well. */
  readonly script: readonly AttemptScript[];
  readonly retries: number | undefined;
  /** A join: it calls these, and returns some of them. */
  readonly join:
    | { readonly inner: readonly NodeSpec[]; readonly returns: readonly number[]; readonly form: Form }
    | undefined;
}

/** What a join's body returns: one future and nothing around it, or several inside something. */
export type Form = 'one' | 'array' | 'object';

/** A graph, the config it runs under, and what happens to it when. */
export interface Graph {
  readonly nodes: readonly NodeSpec[];
  readonly retries: number;
  readonly infrastructureRetries: number;
  /** Whether the policy asks for a back-off after failures of the app. */
  readonly backoff: boolean;
  /** Chance, for back-off: 0 is no wait at all. */
  readonly random: number;
  /** Which of the things that can happen next does, over and over. */
  readonly choices: readonly number[];
  /** Calls that are cancelled, by the number of the step. */
  readonly cancels: readonly { readonly step: number; readonly pick: number }[];
}

const pick = fc.nat({ max: 1_000 });
const attempt: fc.Arbitrary<AttemptScript> = fc.record({
  kind: fc.constantFrom<AttemptScript['kind']>('fails', 'fails', 'lost', 'lost', 'useless'),
  cost: fc.constantFrom(1, 1, 0.5, 0.25, 2, 0),
});

function node(depth: number): fc.Arbitrary<NodeSpec> {
  const join =
    depth === 0
      ? fc.constant(undefined)
      : fc.option(
          fc.record({
            inner: fc.array(node(depth - 1), { maxLength: 2 }),
            returns: fc.array(pick, { maxLength: 3 }),
            form: fc.constantFrom<Form>('one', 'array', 'object'),
          }),
          { nil: undefined, freq: 2 },
        );
  return fc.record({
    dependencies: fc.array(pick, { maxLength: 3 }),
    shape: fc.nat({ max: 2 }),
    script: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(attempt, { minLength: 1, maxLength: 4 }) },
    ),
    retries: fc.option(fc.constantFrom(0, 0.5, 1, 2), { nil: undefined, freq: 2 }),
    join,
  });
}

/** Graphs of up to six calls, with joins in joins, failures, lost attempts and cancels. */
export const anyGraph: fc.Arbitrary<Graph> = fc.record({
  nodes: fc.array(node(2), { minLength: 1, maxLength: 6 }),
  retries: fc.nat({ max: 2 }),
  infrastructureRetries: fc.nat({ max: 2 }),
  backoff: fc.boolean(),
  random: fc.constantFrom(0, 0.5),
  choices: fc.array(pick, { minLength: 8, maxLength: 20 }),
  cancels: fc.array(fc.record({ step: fc.nat({ max: 30 }), pick }), { maxLength: 2 }),
});

/** The distinct names a node's picks stand for, in order. */
export function picked(picks: readonly number[], scope: readonly string[]): string[] {
  if (scope.length === 0) return [];
  return [...new Set(picks.map((number) => scope[number % scope.length] as string))];
}

/** Puts items into one of several containers. */
export function placed(shape: number, items: readonly unknown[]): unknown {
  if (shape === 0) return [...items];
  if (shape === 1) return { first: items[0], rest: [items.slice(1)] };
  return new Map(items.map((item, index) => [`key-${index}`, item]));
}

/** What a join's body returns of the futures, or the values, that it picked. */
export function returned(form: Form, items: readonly unknown[]): unknown {
  if (form === 'one') return items.length === 0 ? 'nothing' : items[0];
  return form === 'array' ? [...items] : { all: [...items] };
}

/** What a task makes of its arguments: a number that depends on every value, and on where it stands. */
export function digest(name: string, value: unknown): number {
  return Number(BigInt.asUintN(32, walk(BigInt(name.length), value)));
}

function walk(seed: bigint, value: unknown): bigint {
  if (typeof value === 'number') return seed * 31n + BigInt(value);
  if (typeof value === 'string') return seed * 31n + BigInt(value.length);
  if (value === undefined) return seed * 31n + 7n;
  const entries = value instanceof Map ? [...value] : Object.entries(value as object);
  return entries.reduce((hash, [, item]) => walk(BigInt.asUintN(64, hash * 17n + 3n), item), seed);
}
