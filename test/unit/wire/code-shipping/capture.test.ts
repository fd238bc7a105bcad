import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { errorClassOf, SluiceError } from '../../../../src/errors.js';
import { type CaptureContext, captureFunction, countParameters } from '../../../../src/wire/code-shipping/capture.js';
import { compileFunction } from '../../../../src/wire/code-shipping/compile.js';

type Callable = (...args: never[]) => unknown;
const HERE = fileURLToPath(import.meta.url);
const CALL_SITE = '    at file:///home/ada/flow.ts:12:15';

describe('the shipped source', () => {
  const methods = {
    method(x: number): number {
      return x + 1;
    },
    async asyncMethod(x: number): Promise<number> {
      return x + 1;
    },
    get(x: number): number {
      return x + 1;
    },
    async(x: number): number {
      return x + 1;
    },
  };
  class Forms {
    #hidden(x: number): number {
      return x + 1;
    }
    readonly hidden: Callable = this.#hidden;
  }
  const key = Symbol('key');
  const forms: Record<string, Callable> = {
    'an arrow': (x: number) => x + 1,
    'an async arrow': async (x: number) => x + 1,
    'a function': (x: number) => x + 1,
    'an async function': async (x: number) => x + 1,
    'a named function': function add(x: number) {
      return add.name === 'add' ? x + 1 : 0;
    },
    'a method': methods.method,
    'an async method': methods.asyncMethod,
    'a method called get': methods.get,
    'a method called async': methods.async,
    'a private method': new Forms().hidden,
    'a method with an odd name'(x: number) {
      return x + 1;
    },
    async 'an async method with an odd name'(x: number) {
      return x + 1;
    },
    'a method with a computed name': {
      [key](x: number) {
        return x + 1;
      },
    }[key],
    'a function made by Function': new Function('x', 'return x + 1 // end') as Callable,
    'a comment at its end': ((x: number) => x + 1) /* end */ as Callable,
  };

  test.each(Object.keys(forms))('of %s is one expression that gives the function', async (form) => {
    const captured = capture(forms[form] as Callable);
    expect(captured.parameterCount).toBe(1);
    const fn = compileFunction(captured, { sharesProject: false, runnerUrl: import.meta.url });
    expect(await fn(41)).toBe(42);
  });

  test('has a hash of its own', () => {
    const { source, hash } = capture(() => 1);
    expect(hash).toBe(createHash('sha256').update(source).digest('hex'));
    expect(capture(() => 2).hash).not.toBe(hash);
  });

  test("carries the app's name, the function's own, or 'anonymous'", () => {
    expect(capture(methods.method, { name: 'count' }).name).toBe('count');
    expect(capture(methods.method).name).toBe('method');
    expect(capture(() => 1).name).toBe('anonymous');
  });

  test('knows the module that defined it from the stack', () => {
    expect(captureFunction(() => 1, { kind: 'function' }).definedIn).toBe(import.meta.url);
    expect(capture(() => 1, { definedAt: CALL_SITE }).definedIn).toBe('file:///home/ada/flow.ts');
    expect(capture(() => 1, { definedAt: '' }).definedIn).toBe('');
  });
});

describe('parameters', () => {
  const lists: [Callable, number, boolean][] = [
    [() => 1, 0, false],
    [(a: number, b = 1) => a + b, 2, false],
    [({ a }: { a?: number } = {}, [b]: number[]) => [a, b], 2, false],
    [(a: number, ...rest: number[]) => [a, rest], 1, true],
  ];

  test.each(lists)('of %s are counted by the parser', (fn, parameterCount, hasRest) => {
    expect(capture(fn)).toMatchObject({ parameterCount, hasRest });
    expect(countParameters(fn)).toEqual({ parameterCount, hasRest });
  });

  test('of a function that does not ship are counted whatever it uses', () => {
    class Flow {
      #tax = 1;
      readonly body: (a: number, b?: number) => number = (a, b = 2) => a + b + this.#tax;
    }
    expect(countParameters(new Flow().body)).toEqual({ parameterCount: 2, hasRest: false });
    expect(() => countParameters(Math.max)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});

describe('a function may use', () => {
  const allowed: Record<string, string> = {
    "Node's globals": '() => [process, Buffer, fetch, structuredClone, globalThis.anything, undefined, NaN]',
    'what it declares': 'function f({ a, ...b }, c = a) { let d; class E { static e = d } for (const g of b) g(E, f) }',
    'names only typeof looks at': '() => typeof Bun',
    'an import of what it computes': 'async (name) => (await import(name)).default',
    'labels, keys and properties': '(o) => { out: for (const k in { free: o.free?.x }) { o[k].y; break out; } }',
    'what a catch clause binds': '() => { try { return 1 } catch ({ message }) { return message } }',
    this: '(() => this)',
    'names compilers add': 'async () => [__name(() => 1, "x"), __vite_ssr_dynamic_import__("node:fs")]',
  };

  test.each(Object.entries(allowed))('%s', (_, source) => {
    expect(() => capture(evaluate(source))).not.toThrow();
  });

  test('`this`, which is undefined', () => {
    const captured = capture(evaluate('() => this'));
    expect(compileFunction(captured, { sharesProject: false, runnerUrl: import.meta.url })()).toBeUndefined();
  });
});

describe('a function is refused', () => {
  test('that is a class, a generator, a getter, built in, bound, or tied to its class', () => {
    const getter = Object.getOwnPropertyDescriptor(evaluate('({ get x() { return 1 } })'), 'x')?.get as Callable;
    const tied = evaluate(`class Tied extends Array {
      #secret = 1;
      secret() { return this.#secret }
      parent() { return super.at(0) }
    }`) as unknown as { prototype: { secret: Callable; parent: Callable } };
    const reasons = {
      class: messageOf(tied as unknown as Callable),
      generator: messageOf(evaluate('function* () { yield 1 }')),
      'async generator method': messageOf(evaluate('({ async *all() { yield 1 } }).all')),
      getter: messageOf(getter),
      'built in': messageOf(Math.max),
      bound: messageOf((() => 1).bind(null)),
      private: messageOf(tied.prototype.secret),
      super: messageOf(tied.prototype.parent),
      'new.target': messageOf(evaluate('(function () { return () => new.target })()')),
      sloppy: messageOf(evaluate('() => { with (Math) { return max(1) } }')),
    };
    expect(reasons).toEqual({
      class: expect.stringContaining('a class cannot be called: wrap it in a function'),
      generator: expect.stringContaining('a generator gives its values one by one'),
      'async generator method': expect.stringContaining('a generator gives its values one by one'),
      getter: expect.stringContaining('a getter cannot be called'),
      'built in': expect.stringContaining('a built-in or bound function has no source'),
      bound: expect.stringContaining('a built-in or bound function has no source'),
      private: expect.stringContaining('a private name means nothing outside its class'),
      super: expect.stringContaining('`super` means nothing outside its class'),
      'new.target': expect.stringContaining('`new.target` belongs to the function around this one'),
      sloppy: expect.stringContaining("its source cannot be parsed as strict code: 'with' in strict mode"),
    });
  });

  test('when it is no function at all', () => {
    expect(() => capture(undefined as unknown as Callable)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS' }),
    );
  });

  test('as a usage error, at the place that defines it', () => {
    try {
      captureFunction(evaluate('() => lost'), { kind: 'function' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(SluiceError);
      expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
      expect(errorClassOf(error)).toBe('usage');
      expect(String(error)).toMatch(new RegExp(`defined at ${HERE}:\\d+:\\d+`));
    }
  });
});

describe('the message for variables that stay behind', () => {
  test('names all of them, shows the first use, the call site and the ways out', () => {
    const source = '(gross) => {\n  const net = Math.round(gross);\n  return lookup(net) * rate + rate;\n}';
    expect(messageOf(evaluate(source), { name: 'price' })).toBe(
      `
app 'price' cannot be sent to a worker: workers will not have \`lookup\`, \`rate\`
  defined at /home/ada/flow.ts:12:15

    2 |   const net = Math.round(gross);
  > 3 |   return lookup(net) * rate + rate;
      |          ^^^^^^
    4 | }

  \`lookup\`, \`rate\`: pass as an argument, import inside the function with \`await import('…')\`, or define inside the function
`.trim(),
    );
  });

  test('says what rewritten imports, require and import.meta stood for', () => {
    const source = `async (path) => {
  const text = await (0, __vite_ssr_import_0__.readFile)(path);
  return [text, __vite_ssr_import_0__.stat, (0, node_path_1.join)(path), import_zod.default, require('x'), __dirname];
}`;
    expect(messageOf(evaluate(source), { name: 'read' })).toBe(
      `
app 'read' cannot be sent to a worker: workers will not have \`__vite_ssr_import_0__.readFile\`, \`__vite_ssr_import_0__.stat\`, \`node_path_1.join\`, \`import_zod.default\`, \`require\`, \`__dirname\`
  defined at /home/ada/flow.ts:12:15

    1 | async (path) => {
  > 2 |   const text = await (0, __vite_ssr_import_0__.readFile)(path);
      |                          ^^^^^^^^^^^^^^^^^^^^^
    3 |   return [text, __vite_ssr_import_0__.stat, (0, node_path_1.join)(path), import_zod.default, requir…

  \`__vite_ssr_import_0__.readFile\`, \`__vite_ssr_import_0__.stat\`: an import of this module, used as .readFile and .stat: import it inside the function, const { readFile, stat } = await import('…')
  \`node_path_1.join\`: an import of this module, used as .join: import it inside the function, const { join } = await import('…')
  \`import_zod.default\`: an import of this module, used as .default: import it inside the function, const { default: name } = await import('…')
  \`require\`: not there on workers: use \`await import('…')\` inside the function
  \`__dirname\`: part of this module, which workers do not have: pass what you need as an argument
`.trim(),
    );
  });

  test('of a bash app that forgot io points to io.sh', () => {
    expect(messageOf(evaluate('(io) => sh`cat books.txt`'), { name: 'concat', kind: 'bash' })).toBe(
      `
bash app 'concat' cannot be sent to a worker: workers will not have \`sh\`
  defined at /home/ada/flow.ts:12:15

  > 1 | (io) => sh\`cat books.txt\`
      |         ^^

  \`sh\`: use io.sh, where io is the last parameter of the function
`.trim(),
    );
  });

  test('tells an arrow that calls itself to become a named function', () => {
    const factorial = evaluate(
      '(() => { const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1)); return factorial })()',
    );
    const advice =
      '`factorial`: the function itself, by the name of its variable: write a named function, function factorial(…) { … }';
    expect(messageOf(factorial)).toContain(advice);
    expect(messageOf(evaluate('(n) => factorial(n)'), { name: 'factorial' })).toContain(advice);
  });

  test.each([
    ['() => import_meta.url', '`import_meta`: describes this module'],
    ['() => arguments.length', '`arguments`: an arrow function has none of its own: use a rest parameter'],
    ['() => sh`ls`', '`sh`: use io.sh, where io is the last parameter of a function defined with { io: true }'],
    ['() => __spreadValues({}, {})', '`__spreadValues`: a helper your compiler added: compile for ES2022 or later'],
    ['() => { total = 1 }', '`total`: pass as an argument'],
    ['() => typeof Bun === "object" && Bun.version', '`Bun`: pass as an argument'],
    ['async () => import("x", { with: attributes })', '`attributes`: pass as an argument'],
    ['(a = outer) => a', '`outer`: pass as an argument'],
    ['() => class { [computed] = 1 }', '`computed`: pass as an argument'],
    ['() => eval("1") + hidden', '`hidden`: pass as an argument'],
  ])('of %s contains: %s', (source, advice) => {
    expect(messageOf(evaluate(source))).toContain(advice);
  });

  test('names globals that only this process has', () => {
    Object.assign(globalThis, { sluiceTestGlobal: 1 });
    try {
      expect(messageOf(evaluate('() => sluiceTestGlobal'))).toContain(
        'a global of this process, but not of every worker',
      );
    } finally {
      Reflect.deleteProperty(globalThis, 'sluiceTestGlobal');
    }
  });
});

/** A function whose source is exactly `source`: no compiler has touched it. */
function evaluate(source: string): Callable {
  return new Function(`return (${source})`).call(undefined) as Callable;
}

function capture(fn: Callable, context: Partial<CaptureContext> = {}): ReturnType<typeof captureFunction> {
  return captureFunction(fn, { kind: 'function', definedAt: CALL_SITE, ...context });
}

function messageOf(fn: Callable, context: Partial<CaptureContext> = {}): string {
  try {
    capture(fn, context);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'CODE_NOT_SHIPPABLE') return error.message;
    throw error;
  }
  return 'not refused';
}
