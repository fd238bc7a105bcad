import { invalidParameter } from './gcs-error.js';

/** Which fields of a resource are wanted; an empty mask wants all. */
interface FieldMask {
  readonly [name: string]: FieldMask;
}

/**
 * Leaves of a resource only what the parameter `fields` names: `items(name,size),nextPageToken`, `owner/entity`, `*`.
 * Source: "Partial response", Cloud Storage JSON API. @throws {GcsError} `invalidParameter`
 */
export function selectFields(resource: unknown, fields: string | undefined): unknown {
  return fields === undefined || fields === '' ? resource : select(resource, parseFields(fields));
}

function select(value: unknown, mask: FieldMask): unknown {
  if (Object.keys(mask).length === 0) return value;
  if (Array.isArray(value)) return value.map((one) => select(one, mask));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).flatMap(([name, content]) => {
    const inner = mask[name] ?? mask['*'];
    return inner === undefined ? [] : [[name, select(content, inner)] as const];
  });
  return Object.fromEntries(kept);
}

function parseFields(fields: string): FieldMask {
  const tokens = fields.match(/[(),/]|[^(),/\s]+/g) ?? [];
  let at = 0;
  const wrong = () => invalidParameter('fields', `Invalid field selection ${fields}`);
  const list = (): FieldMask => {
    const mask: Record<string, FieldMask> = {};
    do {
      const name = tokens[at++];
      if (name === undefined || /^[(),/]$/.test(name)) throw wrong();
      mask[name] = { ...mask[name], ...below(name) };
    } while (tokens[at] === ',' && at++ >= 0);
    return mask;
  };
  const below = (name: string): FieldMask => {
    if (tokens[at] === '/') {
      at++;
      const next = tokens[at++];
      if (next === undefined || /^[(),/]$/.test(next)) throw wrong();
      return { [next]: below(`${name}/${next}`) };
    }
    if (tokens[at] !== '(') return {};
    at++;
    const mask = list();
    if (tokens[at++] !== ')') throw wrong();
    return mask;
  };
  const mask = list();
  if (at !== tokens.length) throw wrong();
  return mask;
}
