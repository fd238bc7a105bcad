import { createRequire } from 'node:module';
import type * as Acorn from 'acorn';
import type * as EslintScope from 'eslint-scope';

/** A function expression and its tree. The tree is that of `(${source})`: its positions are one more than those in the source. */
export interface ParsedFunction {
  readonly source: string;
  readonly program: Acorn.Program;
  readonly fn: Acorn.FunctionExpression | Acorn.ArrowFunctionExpression;
}

/** What acorn may let pass, beside the function's own syntax. */
export type ParseOptions = Pick<Acorn.Options, 'checkPrivateFields' | 'allowSuperOutsideMethod'>;

/** Parses `source` as a module: code is strict there, as it is on workers. Throws acorn's SyntaxError, with `pos`. */
export function parseModule(source: string, options: ParseOptions): Acorn.Program {
  acorn ??= load('acorn') as typeof Acorn;
  return acorn.parse(source, { ecmaVersion: 'latest', sourceType: 'module', ranges: true, ...options });
}

/** References of the program that nothing in it declares, in source order. */
export function unresolvedReferences(program: Acorn.Program): Acorn.Identifier[] {
  eslintScope ??= load('eslint-scope') as typeof EslintScope;
  const manager = eslintScope.analyze(program as unknown as AnalyzedTree, {
    ecmaVersion: 2024,
    sourceType: 'module',
    // estraverse knows nothing of import attributes.
    childVisitorKeys: { ImportExpression: ['source', 'options'] },
  });
  const references = manager.globalScope?.through ?? [];
  return references
    .map((reference) => reference.identifier as unknown as Acorn.Identifier)
    .sort((a, b) => a.start - b.start);
}

type AnalyzedTree = Parameters<typeof EslintScope.analyze>[0];

// Loaded with the first app, not with the package: whoever only imports `sluice` does not wait for a parser.
const load = createRequire(import.meta.url);
let acorn: typeof Acorn | undefined;
let eslintScope: typeof EslintScope | undefined;
