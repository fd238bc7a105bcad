import type { ExpressionStatement, MethodDefinition } from 'acorn';
import { type ParsedFunction, type ParseOptions, parseModule } from './parser.js';

/** What the text of a function turned out to be: something that can be shipped as an expression, or why it cannot. */
export type FunctionSource =
  | { readonly kind: 'function'; readonly parsed: ParsedFunction }
  | { readonly kind: 'refused'; readonly reason: string; readonly source: string; readonly start?: number };

/**
 * Turns what `toString()` gave for a function (arrow, function, or method in any of its spellings) into one function
 * expression: `(${source})` evaluates to it. A method becomes an anonymous function, as its name is no variable in it.
 */
export function parseFunctionSource(text: string, options: ParseOptions = {}): FunctionSource {
  if (/\{\s*\[native code\]\s*\}$/.test(text)) {
    return { kind: 'refused', source: '', reason: 'a built-in or bound function has no source: wrap it in a function' };
  }
  try {
    return parseExpression(text, options);
  } catch (error) {
    return parseMethod(text, options) ?? refusedSyntax(text, error);
  }
}

function parseExpression(source: string, options: ParseOptions): FunctionSource {
  const program = parseModule(`(${source}\n)`, options);
  const { expression } = program.body[0] as ExpressionStatement;
  switch (expression.type) {
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      if (expression.generator) return { kind: 'refused', source, reason: GENERATOR };
      return { kind: 'function', parsed: { source, program, fn: expression } };
    case 'ClassExpression':
      return { kind: 'refused', source, reason: 'a class cannot be called: wrap it in a function' };
    default:
      return { kind: 'refused', source, reason: `its source is not a function but a ${expression.type}` };
  }
}

const GENERATOR = 'a generator gives its values one by one, a task gives one value: return an array';

function parseMethod(text: string, options: ParseOptions): FunctionSource | undefined {
  const method = parseMember(text);
  if (method === undefined) return undefined;
  if (method.kind === 'get' || method.kind === 'set') {
    return { kind: 'refused', source: text, reason: `a ${method.kind}ter cannot be called: wrap it in a function` };
  }
  if (method.value.generator) return { kind: 'refused', source: text, reason: GENERATOR };
  const parameters = text.slice(method.value.start - CLASS_HEAD.length);
  const source = `${method.value.async ? 'async ' : ''}function ${parameters}`;
  try {
    return parseExpression(source, options);
  } catch (error) {
    return refusedSyntax(source, error);
  }
}

const CLASS_HEAD = '(class {';

/** The text as a member of a class, where every spelling of a method, `super` and private names can be parsed. */
function parseMember(text: string): MethodDefinition | undefined {
  try {
    const program = parseModule(`${CLASS_HEAD}${text}\n})`, { checkPrivateFields: false });
    const { expression } = program.body[0] as ExpressionStatement;
    if (expression.type !== 'ClassExpression') return undefined;
    const [member] = expression.body.body;
    return expression.body.body.length === 1 && member?.type === 'MethodDefinition' ? member : undefined;
  } catch {
    return undefined;
  }
}

function refusedSyntax(source: string, error: unknown): FunctionSource {
  if (!(error instanceof SyntaxError && 'pos' in error && typeof error.pos === 'number')) throw error;
  const start = Math.max(0, error.pos - 1);
  return { kind: 'refused', source, start, reason: syntaxReason(source.slice(start), error.message) };
}

function syntaxReason(rest: string, message: string): string {
  if (rest.startsWith('super')) return '`super` means nothing outside its class: wrap the call in a function';
  if (rest.startsWith('#')) return 'a private name means nothing outside its class: wrap the call in a function';
  if (rest.startsWith('new')) return '`new.target` belongs to the function around this one: pass it as an argument';
  return `its source cannot be parsed as strict code: ${message.replace(/ \(\d+:\d+\)$/, '')}`;
}
