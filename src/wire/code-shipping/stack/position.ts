/** A place in a text: line and column from 0. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A place in a file. */
export interface Place extends Position {
  /** `file:` URL, or what stands for one. */
  readonly url: string;
}

/** The place in a text that is `offset` characters after its start. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length - 1, column: offset - (before.lastIndexOf('\n') + 1) };
}

/** How many characters stand before the line of that index. */
export function lineStart(text: string, line: number): number {
  let start = 0;
  for (let index = 0; index < line; index++) {
    const end = text.indexOf('\n', start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  return start;
}
