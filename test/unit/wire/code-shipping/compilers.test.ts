import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { createWorker } from 'sluice/worker';
import { describe, expect, test } from 'vitest';
import { createCodeShipper } from '../../../../src/wire/code-shipping/bundle/code-shipper.js';
import { captureFunction } from '../../../../src/wire/code-shipping/capture.js';
import { compileFunction } from '../../../../src/wire/code-shipping/compile.js';
import { mustBeBundled } from '../../../../src/wire/code-shipping/ship-code.js';
import { decode, encode, encodeCall } from '../../../../src/wire/codec.js';
import { decodeError } from '../../../../src/wire/error-codec.js';
import { type AppCode, type TaskEnvelope, WIRE_VERSION } from '../../../../src/wire/task-envelope.js';
import { bundleSource, linkPackages, PROJECT, temporaryFolder } from '../../../fixtures/code-shipping/bundle-source.js';
import { cases, functions, refusals } from '../../../fixtures/code-shipping/functions.js';

const FUNCTIONS = join(PROJECT, 'test/fixtures/code-shipping/functions.ts');
const CAPTURE_ALL = fileURLToPath(new URL('../../../fixtures/code-shipping/capture-all.mjs', import.meta.url));

type Result =
  | { kind: 'shipped'; captured: ReturnType<typeof captureFunction>; value: unknown }
  | { kind: 'refused'; code: string; message: string };
type Results = Record<string, Result>;

describe('functions compiled by vitest', () => {
  const capture = (name: string) => captureFunction(functions[name] as () => unknown, { name, kind: 'function' });

  test.each(Object.keys(cases))('%s ships and runs', async (name) => {
    expect(await run(capture(name), name)).toEqual(cases[name]?.value);
  });

  test("call the worker's disposal helper in place of the one vitest imports", () => {
    expect(capture('using').source).toContain('(__sluice_using)()');
  });

  test.each(Object.keys(refusals))('%s is refused with the reason', (name) => {
    expect(() => capture(name)).toThrow(refusals[name]);
  });
});

describe('functions compiled by tsc', () => {
  test.each([
    { target: 'es2022', type: 'module' },
    { target: 'es2023', type: 'module' },
    { target: 'es2023', type: 'commonjs' },
  ])('for $target as $type ship and run, or are refused with the reason', async ({ target, type }) => {
    await using folder = await temporaryFolder();
    await linkPackages(folder.path);
    await writeFile(join(folder.path, 'package.json'), JSON.stringify({ type }));
    const source = join(folder.path, 'functions.ts');
    const text = await readFile(FUNCTIONS, 'utf8');
    // A CommonJS module has no import.meta.
    await writeFile(source, type === 'module' ? text : text.replace('import.meta.url', "''"));
    const flags = ['--target', target, '--module', 'nodenext', '--lib', 'es2023,esnext.disposable', '--types', 'node'];
    await execa(process.execPath, [
      join(PROJECT, 'node_modules/typescript/bin/tsc'),
      source,
      '--ignoreConfig',
      ...flags,
    ]);
    const results = await captureAll(folder.path, { module: join(folder.path, 'functions.js') });
    if (type === 'commonjs') delete results.usesImportMeta;
    await expectAll(results);
  });

  test('to CommonJS altogether, with require() in place of import(), are refused where they import', async () => {
    await using folder = await temporaryFolder();
    await linkPackages(folder.path);
    await writeFile(join(folder.path, 'package.json'), '{ "type": "commonjs" }');
    const source = join(folder.path, 'functions.ts');
    await writeFile(
      source,
      "export const cases = {}; export const functions = { imports: async () => import('node:path'), plain: () => 1 };",
    );
    const flags = ['--ignoreConfig', '--module', 'commonjs', '--esModuleInterop', '--noCheck'];
    await execa(process.execPath, [join(PROJECT, 'node_modules/typescript/bin/tsc'), source, ...flags]);
    const { imports, plain } = await captureAll(folder.path, { module: join(folder.path, 'functions.js') });
    expect(plain).toMatchObject({ kind: 'shipped', value: 1 });
    expect(imports).toMatchObject({
      code: 'CODE_NOT_SHIPPABLE',
      message: expect.stringMatching(
        /`__importStar`: a helper your compiler added: compile for ES2022 or later, to ES modules[\s\S]*`require`: not there on workers: use `await import\('…'\)` inside/,
      ),
    });
  });
});

describe('functions compiled by tsx', () => {
  test('ship and run, or are refused with the reason', async () => {
    await using folder = await temporaryFolder();
    await linkPackages(folder.path);
    const results = await captureAll(folder.path, { module: FUNCTIONS, flags: ['--import', 'tsx'] });
    // From the Node version on that knows `using` itself, tsx may leave it as it is.
    const knowsUsing = Number(process.versions.node.split('.')[0]) >= 24;
    expect(sourceOf(results, 'awaitUsing')).toMatch(knowsUsing ? /__callDispose\(|await using / : /__callDispose\(/);
    expect(sourceOf(results, 'nestedNames')).toContain('__name(');
    await expectAll(results);
  });
});

const node24 = process.env.SLUICE_NODE24;
const missing = node24 === undefined ? ' [skipped: SLUICE_NODE24 does not name a Node 24 binary]' : '';

describe.skipIf(node24 === undefined)(`functions stripped of types by Node 24${missing}`, () => {
  // Node 24 knows `using`, and keeps it.
  const lowered = ['awaitUsing', 'using', 'suppressed'];

  test('ship and run there; those with `using` are refused by a worker on Node 20', async () => {
    await using folder = await temporaryFolder();
    await linkPackages(folder.path);
    const results = await captureAll(folder.path, { module: FUNCTIONS, node: node24 as string });
    for (const [name, { value }] of Object.entries(cases)) {
      expect(results[name]).toMatchObject({ kind: 'shipped', value });
    }
    const runsOnNode20 = Object.entries(results).filter(([name]) => !lowered.includes(name));
    await expectAll(Object.fromEntries(runsOnNode20));
    for (const name of process.version.startsWith('v20.') ? lowered : []) {
      const result = results[name];
      if (result?.kind !== 'shipped') throw new Error(`${name} did not ship`);
      expect(() => compileFunction(result.captured, PLACE)).toThrow(
        new RegExp(`app '${name}' has syntax that Node ${process.version} does not understand: .+compile it for`),
      );
    }
  });
});

const PLACE = { sharesProject: false, runnerUrl: import.meta.url };

/** Captures every function of `module` in a process of its own, where the compiler under test loads it. */
async function captureAll(
  folder: string,
  { module, flags = [], node = process.execPath }: { module: string; flags?: string[]; node?: string },
): Promise<Results> {
  const exports = "export * from './wire/code-shipping/capture.js'; export * from './wire/code-shipping/compile.js';";
  const bundle = await bundleSource(folder, exports);
  const { stdout } = await execa(node, [...flags, CAPTURE_ALL, bundle, module], { cwd: PROJECT });
  return JSON.parse(stdout) as Results;
}

async function expectAll(results: Results): Promise<void> {
  for (const [name, result] of Object.entries(results)) {
    if (Object.hasOwn(refusals, name)) {
      expect(result).toMatchObject({ kind: 'refused', code: 'CODE_NOT_SHIPPABLE' });
      expect(result.kind === 'refused' && result.message).toMatch(refusals[name] as RegExp);
    } else {
      if (result.kind === 'refused') throw new Error(`${name}: ${result.message}`);
      expect({ [name]: await run(result.captured, name) }).toEqual({ [name]: cases[name]?.value });
    }
  }
}

function sourceOf(results: Results, name: string): string {
  const result = results[name];
  return result?.kind === 'shipped' ? result.captured.source : '';
}

/** What the function gives on a worker that sees nothing of the project, sent there as its executor would send it. */
async function run(captured: ReturnType<typeof captureFunction>, name: string): Promise<unknown> {
  await using folder = await temporaryFolder();
  const { parameterCount, hasRest: _, ...rest } = captured;
  const code: AppCode = { ...rest, kind: 'function', io: false, arity: parameterCount };
  const ship = createCodeShipper({ folder: join(folder.path, 'code') });
  const app = mustBeBundled(code, APART) ? await ship(code, APART) : code;
  const { bytes, files } = encodeCall(cases[name]?.args ?? [], []);
  const attempt = { version: WIRE_VERSION, runId: 'run', taskId: 1, attempt: 1 } as const;
  const envelope: TaskEnvelope = { ...attempt, app, call: bytes, slots: [], files, outputs: [] };
  const worker = createWorker({ scratchRoot: join(folder.path, 'scratch') });
  const outcome = await worker.run(decode(encode(envelope).bytes) as TaskEnvelope);
  await worker.close();
  if (outcome.kind === 'error') throw decodeError(outcome.error);
  return outcome.value.kind === 'inline' ? decode(outcome.value.bytes) : outcome.value.url;
}

const APART = { sharesProject: false, sharesFilesystem: false };
