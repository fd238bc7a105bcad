/** An element of a document: what is in it, by name, and its text. */
export class XmlElement {
  readonly #children = new Map<string, XmlElement[]>();
  #text = '';

  get text(): string {
    return this.#text;
  }

  /** The first child of that name. */
  child(name: string): XmlElement | undefined {
    return this.#children.get(name)?.[0];
  }

  /** All children of that name, in their order. */
  all(name: string): readonly XmlElement[] {
    return this.#children.get(name) ?? [];
  }

  /** The text of the first child of that name. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text;
  }

  /** @internal */
  add(name: string): XmlElement {
    const child = new XmlElement();
    const others = this.#children.get(name);
    if (others === undefined) this.#children.set(name, [child]);
    else others.push(child);
    return child;
  }

  /** @internal */
  append(text: string): void {
    this.#text += decoded(text);
  }
}

/**
 * What holds the elements of a document that a service has written: without attributes, comments and the like, which no answer
 * of S3 needs. Never throws; from what is no XML little or nothing comes.
 *
 * Written here since a list of a thousand objects takes a parser for everything 20 to 40 ms, and this one 3.
 */
export function readXml(text: string): XmlElement {
  const document = new XmlElement();
  const open: { readonly name: string; readonly element: XmlElement }[] = [];
  let current = document;
  for (const [, closing, name, closed, between] of text.matchAll(TOKENS)) {
    if (between !== undefined) current.append(between);
    else if (closing !== undefined) {
      if (open.at(-1)?.name !== name) continue;
      open.pop();
      current = open.at(-1)?.element ?? document;
    } else if (name !== undefined) {
      const element = current.add(name);
      if (closed !== undefined) continue;
      open.push({ name, element });
      current = element;
    }
  }
  return document;
}

/** A text as it stands in a document. Line ends that are not written so are changed by XML's rules. */
export function escapedXml(text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, (one) => `&#${one.charCodeAt(0)};`);
}

// A declaration, a tag, or the text between two.
const TOKENS = /<(?:[?!][^>]*|(\/)?([^\s/>]+)[^>]*?(\/)?)>|([^<]+)/g;

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (all, hexadecimal, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? all;
    const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
    return code > 0x10ffff ? all : String.fromCodePoint(code);
  });
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
