import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { captureFunction } from '../../../../src/wire/code-shipping/capture.js';
import { compileFunction } from '../../../../src/wire/code-shipping/compile.js';
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

async function run(captured: ReturnType<typeof captureFunction>, name: string): Promise<unknown> {
  return await compileFunction(captured, PLACE)(...(cases[name]?.args ?? []));
}
