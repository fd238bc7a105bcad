import { SluiceError } from '../../errors.js';
import type { CallSite } from './call-site.js';
import { adviceFor, type FunctionContext, shownNames, WAYS_OUT } from './free-variable-advice.js';
import type { FreeVariable } from './free-variables.js';
import { type SourceRange, sourceExcerpt } from './source-excerpt.js';

/** The function a message is about. */
export interface RefusedFunction extends FunctionContext {
  readonly name: string;
  readonly source: string;
  readonly callSite: CallSite;
}

/** The function uses variables that workers do not have; the message names all of them, and shows the first use. */
export function missingVariables(
  fn: RefusedFunction,
  variables: readonly [FreeVariable, ...FreeVariable[]],
): SluiceError {
  const names = quoteList(variables.flatMap(shownNames));
  const said = variables.map((variable) => ({
    names: shownNames(variable),
    advice: adviceFor(variable, fn) ?? WAYS_OUT,
  }));
  const advice = [...new Set(said.map((line) => line.advice))].map((text) => {
    const about = said.filter((line) => line.advice === text).flatMap((line) => line.names);
    return `${quoteList(about)}: ${text}`;
  });
  return notShippable(fn, `workers will not have ${names}`, { range: variables[0].range, advice });
}

/** The function can run on no worker, for `reason`; `range` is the place in its source that shows it. */
export function refusedFunction(fn: RefusedFunction, reason: string, range?: SourceRange): SluiceError {
  return notShippable(fn, reason, { range, advice: [] });
}

function notShippable(
  fn: RefusedFunction,
  reason: string,
  details: { range: SourceRange | undefined; advice: readonly string[] },
): SluiceError {
  const app = fn.kind === 'bash' ? 'bash app' : 'app';
  const head = `${app} '${fn.name}' cannot be sent to a worker: ${reason}\n  defined at ${fn.callSite.text}`;
  const excerpt = details.range === undefined ? [] : [indent(sourceExcerpt(fn.source, details.range))];
  const advice = details.advice.length === 0 ? [] : [details.advice.map(indent).join('\n')];
  return new SluiceError('CODE_NOT_SHIPPABLE', [head, ...excerpt, ...advice].join('\n\n'));
}

function quoteList(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
