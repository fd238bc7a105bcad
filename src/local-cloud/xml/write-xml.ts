import { XMLBuilder } from 'fast-xml-parser';

/** Content of an element: text, elements by name, or several elements of one name. `undefined` leaves it out. */
type XmlContent = string | number | boolean | undefined | XmlElements | readonly XmlContent[];

/** Elements by name, written in this order. */
export interface XmlElements {
  readonly [name: string]: XmlContent;
}

/** The document `<root xmlns="…s3…">…</root>`; any text comes back unchanged from a parser, keys of odd characters too. */
export function writeXml(root: string, content: XmlElements): string {
  return DECLARATION + builder.build({ [root]: { '@_xmlns': 'http://s3.amazonaws.com/doc/2006-03-01/', ...content } });
}

/** The error document, which S3 writes without a namespace. */
export function writeErrorXml(content: XmlElements): string {
  return DECLARATION + builder.build({ Error: content });
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const builder = new XMLBuilder({
  ignoreAttributes: false,
  // Its own escaping knows no control characters, and a bare CR would come back as LF.
  processEntities: false,
  tagValueProcessor: (_name, value) => escapeText(String(value)),
});

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeText(text: string): string {
  return text.replace(
    /[&<>"\p{Cc}\u2028]/gu,
    (character) => NAMED[character] ?? `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`,
  );
}
