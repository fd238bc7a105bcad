import type { FreeVariable } from './free-variables.js';

/** What is known of the function beside its source, as far as advice depends on it. */
export interface FunctionContext {
  readonly kind: 'function' | 'bash';
  /** The app's name and the function's own. */
  readonly names: readonly string[];
}

/** The ways out for variables of which nothing more is known. */
export const WAYS_OUT =
  "pass as an argument, import inside the function with `await import('…')`, or define inside the function";

/** The variable as the message names it: an import by what is used of it. */
export function shownNames({ name, members }: FreeVariable): string[] {
  return isCompiledImport(name) ? members.map((member) => (member === '' ? name : `${name}.${member}`)) : [name];
}

/** What to do about one free variable, where more can be said than {@link WAYS_OUT}. */
export function adviceFor(variable: FreeVariable, context: FunctionContext): string | undefined {
  const { name } = variable;
  if (Object.hasOwn(ADVICE, name)) return ADVICE[name];
  if (name === 'sh') return context.kind === 'bash' ? SH_OF_BASH : SH_OF_APP;
  if (context.names.includes(name)) {
    return `the function itself, by the name of its variable: write a named function, function ${name}(…) { … }`;
  }
  if (isCompiledImport(name)) return importAdvice(variable.members);
  if (/^__[a-z]\w*$/i.test(name)) return COMPILER_HELPER;
  if (name in globalThis) return `a global of this process, but not of every worker (Node 20): ${WAYS_OUT}`;
  return undefined;
}

const IMPORT_META = 'describes this module, which workers do not have: pass what you need of it as an argument';
const OF_THIS_MODULE = 'part of this module, which workers do not have: pass what you need as an argument';
const COMPILER_HELPER =
  'a helper your compiler added: compile for ES2022 or later, to ES modules, and without decorators in the function';
const SH_OF_BASH = 'use io.sh, where io is the last parameter of the function';
const SH_OF_APP = 'use io.sh, where io is the last parameter of a function defined with { io: true }';

const ADVICE: Readonly<Record<string, string>> = {
  'import.meta': IMPORT_META,
  __vite_ssr_import_meta__: IMPORT_META,
  import_meta: IMPORT_META,
  require: "not there on workers: use `await import('…')` inside the function",
  module: OF_THIS_MODULE,
  exports: OF_THIS_MODULE,
  __filename: OF_THIS_MODULE,
  __dirname: OF_THIS_MODULE,
  arguments: 'an arrow function has none of its own: use a rest parameter',
};

// What imports become where modules are rewritten: by Vite's SSR transform, by esbuild and by tsc for CommonJS.
function isCompiledImport(name: string): boolean {
  return /^__vite_ssr_import_\d+__$|^import_(?!meta$)\w+$|^\w+_\d+$/.test(name);
}

function importAdvice(members: readonly string[]): string {
  const used = members.filter((member) => member !== '');
  const asUsed = used.length === 0 ? '' : `, used as ${used.map((member) => `.${member}`).join(' and ')}`;
  const names = used.map((member) => (member === 'default' ? 'default: name' : member));
  const target = names.length === 0 ? 'name' : `{ ${names.join(', ')} }`;
  return `an import of this module${asUsed}: import it inside the function, const ${target} = await import('…')`;
}
