/** Part of a text, from `start` up to but without `end`. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The lines of `source` around a range, numbered from 1, with carets under the range's first line:
 *
 * ```text
 *   1 | (gross) => {
 * > 2 |   return gross * rate;
 *     |                  ^^^^
 * ```
 */
export function sourceExcerpt(source: string, range: SourceRange): string {
  // One column a tab: the carets stay under their range.
  const lines = source.replaceAll('\t', ' ').split('\n');
  const row = source.slice(0, range.start).split('\n').length - 1;
  const column = range.start - (source.lastIndexOf('\n', range.start - 1) + 1);
  const width = Math.max(1, Math.min(range.end - range.start, (lines[row] ?? '').length - column));
  const cut = Math.max(0, Math.min(column, column + width - MAX_COLUMNS + ROOM_AFTER));
  const digits = String(row + 2).length;
  const numbered = (index: number) => {
    const mark = index === row ? '>' : ' ';
    return `${mark} ${String(index + 1).padStart(digits)} | ${clip(lines[index] ?? '', cut)}`.trimEnd();
  };
  const carets = `  ${' '.repeat(digits)} | ${' '.repeat(column - cut)}${'^'.repeat(width)}`;
  return [
    ...(row > 0 ? [numbered(row - 1)] : []),
    numbered(row),
    carets,
    ...(row + 1 < lines.length ? [numbered(row + 1)] : []),
  ].join('\n');
}

// Compilers that minify put a whole function on one line.
const MAX_COLUMNS = 100;
const ROOM_AFTER = 30;

function clip(line: string, cut: number): string {
  const head = cut > 0 && line.length > cut ? `…${line.slice(cut + 1)}` : line.slice(cut);
  return head.length > MAX_COLUMNS ? `${head.slice(0, MAX_COLUMNS - 1)}…` : head;
}
