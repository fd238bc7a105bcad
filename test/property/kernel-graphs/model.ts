import { type AttemptScript, digest, type Graph, type NodeSpec, picked, placed, returned } from './graph.js';

/** How a call ended, or where it is. */
export type Status = 'waiting' | 'launched' | 'delayed' | 'joining' | 'done' | 'failed' | 'cancelled';

/** One call, as the model sees it. */
export interface Call {
  readonly name: string;
  readonly spec: NodeSpec;
  readonly scope: readonly string[];
  readonly dependencies: readonly string[];
  status: Status;
  attempt: number;
  retriesLeft: number;
  infrastructureLeft: number;
  value: unknown;
  /** Why it failed: its own error, a dependency, or a future it returned. */
  reason: 'own' | 'DEPENDENCY' | 'JOIN' | undefined;
  /** What the body of the join returned, while it waits for that. */
  returned: readonly string[];
  /** The step in which it ended. */
  endedAt: number;
}

/**
 * What the documentation promises, and nothing of how the kernel does it: a call starts when all it depends on is done;
 * what fails takes down what depends on it, what is cancelled cancels it,
 * and a join what its body called; failures are repeated as far as the budget
 * of their class goes; a join ends when all it returned has.
 *
 * What happens in one step happens at once. Where that matters, because a call depends on one that failed and on one
 * that was cancelled, the model asks what came first, and checks that it may have.
 */
export class Model {
  readonly calls = new Map<string, Call>();
  readonly #graph: Graph;
  /** Calls that have ended, whose dependents have not been told. */
  readonly #ended: Call[] = [];
  /** Joins whose bodies are to run. */
  readonly #bodies: Call[] = [];
  /** Calls that ended in this step because of what they depend on. */
  readonly #struck: Call[] = [];
  readonly #statusOf: (name: string) => string | undefined;
  #step = 0;

  /** @param statusOf how a call really ended */
  constructor(graph: Graph, statusOf: (name: string) => string | undefined) {
    this.#graph = graph;
    this.#statusOf = statusOf;
  }

  submit(name: string, spec: NodeSpec, scope: readonly string[]): void {
    this.#create(name, spec, scope);
    this.#settle();
  }

  /** The executor answers for an attempt; what comes too late changes nothing. */
  answer(name: string, attempt: number): void {
    const call = this.#call(name);
    if (call.status !== 'launched' || call.attempt !== attempt) return;
    const script = call.spec.script[attempt - 1];
    if (script === undefined) this.#end(call, 'done', digest(name, this.argument(call)));
    else this.#fail(call, script);
    this.#settle();
  }

  /** A wait for the next attempt is over. */
  wake(name: string): void {
    const call = this.#call(name);
    if (call.status === 'delayed') this.#launch(call);
    this.#settle();
  }

  cancel(name: string): void {
    const call = this.#call(name);
    if (!isOver(call)) this.#end(call, 'cancelled');
    this.#settle();
  }

  /** Attempts made, by call. */
  attempts(): Record<string, number> {
    return Object.fromEntries([...this.calls.values()].map(({ name, attempt }) => [name, attempt]));
  }

  argument(call: Call): unknown {
    return placed(
      call.spec.shape,
      call.dependencies.map((dependency) => this.#call(dependency).value),
    );
  }

  #create(name: string, spec: NodeSpec, scope: readonly string[]): void {
    const call: Call = {
      name,
      spec,
      scope,
      dependencies: picked(spec.dependencies, scope),
      status: 'waiting',
      attempt: 0,
      retriesLeft: spec.retries ?? this.#graph.retries,
      infrastructureLeft: this.#graph.infrastructureRetries,
      value: undefined,
      reason: undefined,
      returned: [],
      endedAt: Number.POSITIVE_INFINITY,
    };
    this.calls.set(name, call);
    this.#consider(call);
  }

  /** A call that waits: does what it depends on let it start, or end it? */
  #consider(call: Call): void {
    const [strikes] = this.#strikesOf(call);
    if (strikes !== undefined) {
      const isCancelled = (this.#statusOf(call.name) ?? strikes.status) === 'cancelled';
      this.#end(call, isCancelled ? 'cancelled' : 'failed', undefined, isCancelled ? undefined : 'DEPENDENCY');
      this.#struck.push(call);
    } else if (call.dependencies.every((name) => this.#call(name).status === 'done')) this.#launch(call);
  }

  /** What a call depends on that failed or was cancelled. */
  #strikesOf(call: Call): Call[] {
    const dependencies = call.dependencies.map((name) => this.#call(name));
    return dependencies.filter(({ status }) => status === 'failed' || status === 'cancelled');
  }

  /** A call ends by what ended first: the first one of earlier steps, or any of this one. */
  #checkStruck(): void {
    for (const call of this.#struck.splice(0)) {
      const strikes = this.#strikesOf(call);
      const now = strikes.filter(({ endedAt }) => endedAt === this.#step);
      const before = strikes.filter(({ endedAt }) => endedAt < this.#step).slice(0, 1);
      if ([...before, ...now].some(({ status }) => status === call.status)) continue;
      throw new Error(`${call.name} cannot have ${call.status}: nothing that it depends on did so first`);
    }
  }

  #launch(call: Call): void {
    call.status = 'launched';
    call.attempt += 1;
    if (call.spec.join !== undefined) this.#bodies.push(call);
  }

  #fail(call: Call, { kind, cost }: AttemptScript): void {
    const budget = kind === 'fails' ? 'retriesLeft' : 'infrastructureLeft';
    if (kind === 'useless' || call[budget] < cost) {
      this.#end(call, 'failed', undefined, 'own');
      return;
    }
    call[budget] -= cost;
    const waits = this.#graph.random > 0 && (kind === 'lost' || this.#graph.backoff);
    if (waits) call.status = 'delayed';
    else this.#launch(call);
  }

  #runBody(call: Call): void {
    const { inner, returns } = call.spec.join as NonNullable<NodeSpec['join']>;
    const scope = [...call.scope];
    const made: string[] = [];
    inner.forEach((spec, index) => {
      const name = `${call.name}#${call.attempt}/${index}`;
      this.#create(name, spec, [...scope, ...made]);
      this.#tellAll();
      made.push(name);
    });
    const script = call.spec.script[call.attempt - 1];
    if (script !== undefined) this.#fail(call, script);
    else {
      call.status = 'joining';
      call.returned = picked(returns, made);
      this.#considerJoin(call);
    }
  }

  #considerJoin(call: Call): void {
    const { form } = call.spec.join as NonNullable<NodeSpec['join']>;
    const names = form === 'one' ? call.returned.slice(0, 1) : call.returned;
    const inner = names.map((name) => this.#call(name));
    if (inner.some(({ status }) => status === 'failed' || status === 'cancelled')) {
      this.#end(call, 'failed', undefined, 'JOIN');
    } else if (inner.every(({ status }) => status === 'done')) {
      this.#end(
        call,
        'done',
        returned(
          form,
          inner.map(({ value }) => value),
        ),
      );
    }
  }

  #end(call: Call, status: Status, value?: unknown, reason?: Call['reason']): void {
    call.status = status;
    call.value = value;
    call.reason = reason;
    call.endedAt = this.#step;
    this.#ended.push(call);
    if (status === 'cancelled') for (const made of this.#madeBy(call)) if (!isOver(made)) this.#end(made, status);
  }

  /** What the body of a join called, in all its attempts. */
  #madeBy({ name }: Call): Call[] {
    const isMade = (other: string) => other.startsWith(`${name}#`) && !other.slice(name.length + 1).includes('#');
    return [...this.calls.values()].filter((call) => isMade(call.name));
  }

  /** Lets what has happened take effect, in the order in which it happened. */
  #settle(): void {
    this.#tellAll();
    for (let body = this.#bodies.shift(); body !== undefined; body = this.#bodies.shift()) {
      this.#runBody(body);
      this.#tellAll();
    }
    this.#checkStruck();
    this.#step += 1;
  }

  #tellAll(): void {
    for (let ended = this.#ended.shift(); ended !== undefined; ended = this.#ended.shift()) this.#tell(ended);
  }

  #tell(ended: Call): void {
    for (const call of this.calls.values()) {
      if (call.status === 'waiting' && call.dependencies.includes(ended.name)) this.#consider(call);
      else if (call.status === 'joining' && call.returned.includes(ended.name)) this.#considerJoin(call);
    }
  }

  #call(name: string): Call {
    const call = this.calls.get(name);
    if (call === undefined) throw new Error(`the model knows no call ${name}`);
    return call;
  }
}

export function isOver({ status }: { readonly status: string }): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}
