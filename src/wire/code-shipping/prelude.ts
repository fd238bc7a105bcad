import { type BlockFailure, disposeResources, openResource, type Resource } from './disposal.js';

/** What the prelude has in place of oxc's disposal helper, whose own name differs from module to module. */
export const OXC_USING_HELPER = '__sluice_using';

/**
 * What compilers call inside functions and define outside of them, by name: what they emit for `keepNames` and for
 * `using` with targets es2022, es2023 and node20 (TypeScript 7.0, esbuild 0.28 as tsx 4.23 runs it, oxc as vitest 4.1
 * runs it). Node's type stripping adds nothing.
 */
export const PRELUDE: Readonly<Record<string, (...args: never[]) => unknown>> = {
  /** esbuild, `keepNames`: gives a function or class the name it had in the source. */
  __name: (target: object, value: string) => Object.defineProperty(target, 'name', { value, configurable: true }),
  /** esbuild. */
  __using: (stack: Resource[], value: unknown, awaited?: boolean) => declare(stack, value, awaited),
  __callDispose: (stack: readonly Resource[], error: unknown, hasError?: boolean) =>
    disposeResources(stack, hasError === true ? { error } : undefined),
  /** tsc. */
  __addDisposableResource: (block: TscBlock, value: unknown, awaited?: boolean) => declare(block.stack, value, awaited),
  __disposeResources: (block: TscBlock) =>
    disposeResources(block.stack, block.hasError ? { error: block.error } : undefined),
  [OXC_USING_HELPER]: openOxcBlock,
};

/** Vite's SSR transform calls it in place of `import()`; only the compiled function itself can supply it. */
export const VITE_DYNAMIC_IMPORT = '__vite_ssr_dynamic_import__';

/** Every name that a shipped function may use beside the globals. */
export const PRELUDE_NAMES: ReadonlySet<string> = new Set([...Object.keys(PRELUDE), VITE_DYNAMIC_IMPORT]);

interface TscBlock {
  readonly stack: Resource[];
  readonly error: unknown;
  readonly hasError: boolean;
}

function declare(stack: Resource[], value: unknown, awaited = false): unknown {
  const resource = openResource(value, awaited);
  if (resource !== undefined) stack.push(resource);
  return value;
}

/** oxc: `u` declares for `using`, `a` for `await using`, the block's error is put into `e`, `d` disposes. */
function openOxcBlock(): Record<'e' | 'u' | 'a' | 'd', unknown> {
  const stack: Resource[] = [];
  const none = {};
  const block = {
    e: none as unknown,
    u: (value: unknown) => declare(stack, value),
    a: (value: unknown) => declare(stack, value, true),
    d: () => disposeResources(stack, failureOf(block.e)),
  };
  const failureOf = (error: unknown): BlockFailure => (error === none ? undefined : { error });
  return block;
}
