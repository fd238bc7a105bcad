const SLOTS = 1024;
/** Longer keys are rare, and cost more to compare than they save. */
const LONGEST = 32;

/**
 * Remembers short ASCII texts by their bytes, one in each slot: the names of properties come again and again, and V8
 * sets a property faster by a string it has seen as a name before.
 */
export class KeyCache {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');

  /** The remembered text of the bytes from `start` to `end`. */
  find(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start > LONGEST) return undefined;
    const text = this.#texts[slotOf(bytes, start, end)] as string;
    if (text.length !== end - start) return undefined;
    for (let index = 0; index < text.length; index++) {
      if (text.charCodeAt(index) !== bytes[start + index]) return undefined;
    }
    return text;
  }

  /** Remembers the text of these bytes, and returns it. */
  keep(text: string, bytes: Uint8Array, start: number, end: number): string {
    // As many bytes as characters: all of them are ASCII.
    if (text.length === end - start && text.length <= LONGEST) this.#texts[slotOf(bytes, start, end)] = text;
    return text;
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let index = start; index < end; index++) hash = (Math.imul(hash, 31) + (bytes[index] as number)) | 0;
  return hash & (SLOTS - 1);
}
