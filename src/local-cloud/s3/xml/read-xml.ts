import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { S3Error } from '../s3-error.js';

/** Elements by name; text stays text. An element that stands several times is an array. */
type XmlNode = string | { readonly [name: string]: XmlNode } | readonly XmlNode[];

/** One element of a request's document, read by the names of its children. */
export interface XmlReader {
  /** Text of the child, exactly as it was written; `undefined` when there is none. */
  text(name: string): string | undefined;
  /** All children of that name, in order. */
  children(name: string): XmlReader[];
  /** Names of all children. */
  readonly names: readonly string[];
}

/** Reads a document whose root is `root`. @throws {S3Error} `MalformedXML` */
export function readXml(document: string, root: string): XmlReader {
  if (UNSAFE.test(document) || NOT_IN_XML.test(document) || XMLValidator.validate(document) !== true)
    throw malformedXml();
  const parsed = parser.parse(document) as XmlNode;
  if (typeof parsed === 'string' || !(root in parsed)) throw malformedXml();
  return readerOf((parsed as { readonly [name: string]: XmlNode })[root] as XmlNode);
}

/** The document is not what the operation takes. */
export function malformedXml(): S3Error {
  const message = 'The XML you provided was not well-formed or did not validate against our published schema';
  return new S3Error('MalformedXML', message);
}

/** No document type, no entities of its own; and the parser drops references to characters that XML 1.0 forbids. */
const UNSAFE = /<!DOCTYPE|<!ENTITY|&#(?:x0*(?:0|[1-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2\d|3[01]));/i;

/** Characters that no XML document holds, which the parser takes. Source: XML 1.0, production 2 (Char). */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  // Only with it are numeric references decoded.
  htmlEntities: true,
  removeNSPrefix: true,
});

function readerOf(node: XmlNode): XmlReader {
  const fields = typeof node === 'string' || Array.isArray(node) ? {} : (node as { readonly [name: string]: XmlNode });
  const all = (name: string): readonly XmlNode[] => {
    const found = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return found === undefined ? [] : Array.isArray(found) ? found : [found];
  };
  return {
    text: (name) => {
      const [first, second] = all(name);
      if (first === undefined) return undefined;
      if (typeof first !== 'string' || second !== undefined) throw malformedXml();
      return first;
    },
    children: (name) => all(name).map(readerOf),
    names: Object.keys(fields).filter((name) => name !== '#text'),
  };
}
