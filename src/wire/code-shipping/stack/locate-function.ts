import type { Debugger, Runtime, Session } from 'node:inspector';
import { createRequire } from 'node:module';
import { lineStart, type Place, type Position, positionAt } from './position.js';
import { type SourceLookup, sourceMapOf } from './source-positions.js';

/** Where a function of this process stands in the script that was loaded, and what tells the file that was written. */
export interface FunctionPlace extends Place {
  /** Absent where the script is the file. */
  readonly lookup: SourceLookup | undefined;
}

/**
 * Asks V8 where a function begins, by the protocol of its debugger (https://nodejs.org/api/inspector.html): that is
 * right whatever compiled the module. Takes some 10 ms for the first function of a module. Throws where it cannot be told.
 */
export function locateFunction(fn: (...args: never[]) => unknown): FunctionPlace {
  const { Session } = createRequire(import.meta.url)('node:inspector') as typeof import('node:inspector');
  const session = new Session();
  session.connect();
  try {
    const { scriptId, lineNumber, columnNumber = 0 } = locationOf(fn, session);
    const script = scripts.get(scriptId) ?? scriptOf(scriptId, session);
    scripts.set(scriptId, script);
    const near = { line: lineNumber, column: columnNumber };
    const start = startOf(Function.prototype.toString.call(fn), script, near);
    return { url: script.url, ...start, lookup: script.lookup };
  } finally {
    session.disconnect();
  }
}

const scripts = new Map<string, Script>();

/** A module as it was loaded. */
interface Script {
  readonly url: string;
  readonly lookup: SourceLookup | undefined;
  readonly startLine: number;
  /** Column at which its first line begins: negative where a wrapper stands before the module. */
  readonly startColumn: number;
  readonly text: string;
}

// Answers to a session of the same thread come before `post` returns.
function locationOf(fn: (...args: never[]) => unknown, session: Session): { scriptId: string } & ReturnedLocation {
  const name = '__sluice_located_function';
  const globals = globalThis as Record<string, unknown>;
  globals[name] = fn;
  let properties: Runtime.InternalPropertyDescriptor[] = [];
  try {
    session.post('Runtime.evaluate', { expression: `globalThis.${name}` }, (_, evaluated) => {
      const { objectId } = evaluated.result;
      if (objectId === undefined) return;
      session.post('Runtime.getProperties', { objectId, ownProperties: true }, (_, { internalProperties = [] }) => {
        properties = internalProperties;
      });
    });
  } finally {
    delete globals[name];
  }
  const found = properties.find((property) => property.name === '[[FunctionLocation]]')?.value?.value as unknown;
  return found as { scriptId: string } & ReturnedLocation;
}

interface ReturnedLocation {
  readonly lineNumber: number;
  readonly columnNumber?: number;
}

function scriptOf(scriptId: string, session: Session): Script {
  let parsed: Debugger.ScriptParsedEventDataType | undefined;
  let text = '';
  session.on('Debugger.scriptParsed', ({ params }) => {
    if (params.scriptId === scriptId) parsed = params;
  });
  session.post('Debugger.enable');
  session.post('Debugger.getScriptSource', { scriptId }, (_, { scriptSource }) => {
    text = scriptSource;
  });
  session.post('Debugger.disable');
  if (parsed === undefined) throw new Error(`V8 knows no script ${scriptId}`);
  const { url, startLine, startColumn, sourceMapURL = '' } = parsed;
  return { url, startLine, startColumn, text, lookup: sourceMapOf(sourceMapURL, url) };
}

// V8 tells where the parameters begin; what is shipped begins with the function's text.
function startOf(functionText: string, script: Script, near: Position): Position {
  const shift = near.line === script.startLine ? script.startColumn : 0;
  const offset = lineStart(script.text, near.line - script.startLine) + near.column - shift;
  const start = script.text.lastIndexOf(functionText, offset);
  if (start < 0 || start + functionText.length < offset) throw new Error('the function is not in its script');
  const { line, column } = positionAt(script.text, start);
  return { line: line + script.startLine, column: line === 0 ? column + script.startColumn : column };
}
