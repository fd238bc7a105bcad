import { conditionNotMet, GcsError, invalidParameter } from './gcs-error.js';
import type { ObjectRecord } from './store/gcs-object.js';

/** What must hold of an object. Source: "Request preconditions", Cloud Storage. */
export interface Preconditions {
  /** 0: no such object. */
  readonly generationMatch?: number;
  readonly generationNotMatch?: number;
  readonly metagenerationMatch?: number;
  readonly metagenerationNotMatch?: number;
}

type Versions = Pick<ObjectRecord, 'generation' | 'metageneration'>;

/** The parameters of the JSON API; `prefix` is `ifSource` for the source of a copy. @throws {GcsError} `invalidParameter` */
export function parsePreconditions(query: ReadonlyMap<string, string>, prefix = 'if'): Preconditions {
  const read = (name: string) => wholeNumber(query, `${prefix}${name}`);
  return {
    ...given('generationMatch', read('GenerationMatch')),
    ...given('generationNotMatch', read('GenerationNotMatch')),
    ...given('metagenerationMatch', read('MetagenerationMatch')),
    ...given('metagenerationNotMatch', read('MetagenerationNotMatch')),
  };
}

/** Names of the parameters that {@link parsePreconditions} reads. */
export const PRECONDITION_PARAMETERS: readonly string[] = [
  'ifGenerationMatch',
  'ifGenerationNotMatch',
  'ifMetagenerationMatch',
  'ifMetagenerationNotMatch',
];

/** The headers of the XML API. @throws {GcsError} `invalidParameter` */
export function parseXmlPreconditions(headers: ReadonlyMap<string, string>): Preconditions {
  return {
    ...given('generationMatch', wholeNumber(headers, 'x-goog-if-generation-match')),
    ...given('metagenerationMatch', wholeNumber(headers, 'x-goog-if-metageneration-match')),
  };
}

/** A number of at least 0 that is a 64-bit integer, as far as JavaScript's are exact. */
export function wholeNumber(values: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (/^\d{1,19}$/.test(text)) return Number(text);
  throw invalidParameter(name, `Invalid value for: ${name}: '${text}' is not a whole number`);
}

/** @throws {GcsError} `conditionNotMet` */
export function checkForWrite(conditions: Preconditions, current: Versions | undefined): void {
  const { generation, metageneration } = current ?? ABSENT;
  const { generationMatch, generationNotMatch, metagenerationMatch, metagenerationNotMatch } = conditions;
  const met =
    (generationMatch === undefined || generationMatch === generation) &&
    (generationNotMatch === undefined || generationNotMatch !== generation) &&
    (metagenerationMatch === undefined || metagenerationMatch === metageneration) &&
    (metagenerationNotMatch === undefined || metagenerationNotMatch !== metageneration);
  if (!met) throw conditionNotMet();
}

/** @throws {GcsError} `conditionNotMet`, or `notModified` where a version that the client has is still the one. */
export function checkForRead(conditions: Preconditions, current: Versions): void {
  const { generationNotMatch, metagenerationNotMatch, ...matches } = conditions;
  checkForWrite(matches, current);
  if (generationNotMatch === current.generation || metagenerationNotMatch === current.metageneration) {
    throw new GcsError('notModified', 'Not Modified');
  }
}

const ABSENT: Versions = { generation: 0, metageneration: 0 };

function given<Name extends string>(name: Name, value: number | undefined): { [key in Name]?: number } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: number });
}
