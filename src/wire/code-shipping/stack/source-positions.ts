import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import type { Place, Position } from './position.js';

/** Tells the place in the source for one in the text that was made of it; `undefined` where the map has none. */
export type SourceLookup = (position: Position) => Place | undefined;

/** The lookup of a source map; its sources are relative to `baseUrl`. Throws where it is not a map. */
export function sourceLookup(json: string, baseUrl: string): SourceLookup {
  const map = new SourceMap(JSON.parse(json) as SourceMapPayload);
  return ({ line, column }) => {
    const entry = map.findEntry(line, column);
    if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return undefined;
    const url = new URL(encodeURI(entry.originalSource), baseUrl).href;
    return { url, line: entry.originalLine, column: entry.originalColumn };
  };
}

/** The lookup of the map a script names (`//# sourceMappingURL=…`), if it does and the map is there. */
export function sourceMapOf(mapUrl: string, scriptUrl: string): SourceLookup | undefined {
  if (mapUrl === '') return undefined;
  try {
    return readSourceMap(mapUrl, scriptUrl);
  } catch {
    // Compiled code often travels without the maps it names: then it is the source.
    return undefined;
  }
}

// Part of the URL, or a file beside the script.
function readSourceMap(mapUrl: string, scriptUrl: string): SourceLookup {
  const inline = /^data:[^,]*?(;base64)?,(.*)$/s.exec(mapUrl);
  if (inline === null) {
    const url = new URL(mapUrl, scriptUrl);
    return sourceLookup(readFileSync(url, 'utf8'), url.href);
  }
  const [, base64, data = ''] = inline;
  const json = base64 === undefined ? decodeURIComponent(data) : Buffer.from(data, 'base64').toString();
  return sourceLookup(json, scriptUrl);
}
