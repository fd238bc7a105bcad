import { notImplemented, S3Error } from '../s3-error.js';

/** What a policy lets everybody do. */
export interface BucketPolicy {
  /** Whether a request without keys may do `action` with a bucket, or with an object in it. */
  allows(action: string, resource: { readonly bucket: string; readonly key?: string | undefined }): boolean;
}

/**
 * Reads a policy of statements that allow everybody (`Principal: "*"`) some actions on some resources, with `*` and `?` in
 * both. Source: "Policies and permissions in Amazon S3", User Guide.
 *
 * @throws {S3Error} `MalformedPolicy`; `NotImplemented` for what else a policy can say, which would not be held to here
 */
export function parsePolicy(text: string): BucketPolicy {
  const statements = listOf((parseJson(text) as { Statement?: unknown }).Statement).map(parseStatement);
  return {
    allows: (action, { bucket, key }) => {
      const resource = `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;
      return statements.some(
        ({ actions, resources }) =>
          actions.some((one) => one.test(action)) && resources.some((one) => one.test(resource)),
      );
    },
  };
}

interface Statement {
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource']);

function parseStatement(statement: unknown): Statement {
  if (typeof statement !== 'object' || statement === null) throw malformed();
  const { Effect, Principal, Action, Resource } = statement as Readonly<Record<string, unknown>>;
  const other = Object.keys(statement).find((name) => !KNOWN_FIELDS.has(name));
  if (other !== undefined) throw notImplemented(`${other} in a bucket policy`);
  if (Effect !== 'Allow') throw notImplemented(`Effect ${String(Effect)} in a bucket policy`);
  const principal =
    typeof Principal === 'object' && Principal !== null && 'AWS' in Principal ? Principal.AWS : Principal;
  if (principal !== '*') throw notImplemented('a Principal other than * in a bucket policy');
  return { actions: listOf(Action).map(patternOf), resources: listOf(Resource).map(patternOf) };
}

function patternOf(text: unknown): RegExp {
  if (typeof text !== 'string') throw malformed();
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) throw malformed();
  return Array.isArray(value) ? value : [value];
}

function parseJson(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {}
  throw malformed();
}

function malformed(): S3Error {
  return new S3Error('MalformedPolicy', 'Policies must be valid JSON, with a list of statements');
}
