/**
 * Where a value stands: one container and one step a level, from the root inwards. A step is a property's name, an
 * index, or for a Map twice the entry's position, plus one for its value.
 */
interface Trail {
  readonly containers: readonly unknown[];
  readonly steps: readonly (string | number)[];
}

/** The step in a container of which nothing was looked at yet. */
export const NO_STEP = -1;

/**
 * Text of the first `depth` steps, those in the middle of a long path left out: `.client`, `.a.b[3]`,
 * `.cache.get("key")`, `.seen (set item 2)`; '' at the root.
 */
export function describePath({ containers, steps }: Trail, depth: number): string {
  let text = '';
  for (let level = 0; level < depth; level++) {
    if (level < SHOWN_FIRST || level >= depth - SHOWN_LAST) text += describeStep(containers[level], steps[level] ?? 0);
    else if (level === SHOWN_FIRST) text += ELLIPSIS;
  }
  return text.trimStart();
}

function describeStep(container: unknown, step: string | number): string {
  if (step === NO_STEP) return '';
  if (typeof step === 'string') return IDENTIFIER.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  if (container instanceof Map) {
    const position = Math.floor(step / 2);
    return step % 2 === 0 ? ` (map key ${position})` : describeEntry(container, position);
  }
  return container instanceof Set ? ` (set item ${step})` : `[${step}]`;
}

function describeEntry(map: Map<unknown, unknown>, position: number): string {
  const key = [...map.keys()][position];
  if (typeof key === 'string') return `.get(${JSON.stringify(shorten(key))})`;
  const plain = key === null || ['number', 'boolean', 'bigint', 'undefined'].includes(typeof key);
  return plain ? `.get(${String(key)})` : ` (map value ${position})`;
}

const SHOWN_FIRST = 12;
const SHOWN_LAST = 4;
const ELLIPSIS = ' … ';
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
