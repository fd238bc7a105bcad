import type { IncomingHttpHeaders } from 'node:http';
import { LambdaError } from './lambda-error.js';
import { parseJson } from './request-body.js';

/** What an Invoke request asks for. */
export interface InvokeRequest {
  readonly kind: 'RequestResponse' | 'Event' | 'DryRun';
  /** JSON; an absent payload is the event `{}`. */
  readonly payload: Buffer;
  /** JSON. */
  readonly clientContext: string | undefined;
  readonly log: 'None' | 'Tail';
}

// AWS Lambda Developer Guide, "Lambda quotas": invocation payload.
const MAX_PAYLOAD_BYTES = { RequestResponse: 6_291_456, Event: 1_048_576, DryRun: 6_291_456 } as const;

/**
 * Reads the headers and the payload of an Invoke request (Lambda API Reference, Invoke).
 *
 * @throws {LambdaError} `RequestTooLargeException`, `InvalidRequestContentException`, `InvalidParameterValueException`
 */
export function parseInvokeRequest(headers: IncomingHttpHeaders, body: Buffer): InvokeRequest {
  const kind = oneOf(['RequestResponse', 'Event', 'DryRun'], headers, 'x-amz-invocation-type', 'RequestResponse');
  const log = oneOf(['None', 'Tail'], headers, 'x-amz-log-type', 'None');
  if (body.length > MAX_PAYLOAD_BYTES[kind]) {
    throw new LambdaError(
      'RequestTooLargeException',
      `Request must be smaller than ${MAX_PAYLOAD_BYTES[kind]} bytes for the InvokeFunction operation`,
    );
  }
  if (body.length > 0) parseJson(body.toString());
  return {
    kind,
    log,
    payload: body.length > 0 ? body : Buffer.from('{}'),
    clientContext: parseClientContext(headers['x-amz-client-context']),
  };
}

function oneOf<const T extends string>(
  values: readonly T[],
  headers: IncomingHttpHeaders,
  header: string,
  absent: NoInfer<T>,
): T {
  const given = headers[header] ?? absent;
  const value = values.find((candidate) => candidate === given);
  if (value !== undefined) return value;
  throw new LambdaError(
    'InvalidParameterValueException',
    `${header} must be one of ${values.join(', ')}, not ${given}`,
  );
}

function parseClientContext(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const text = Buffer.from(header, 'base64').toString();
  // Written anew, because what it becomes is a header of the Runtime API, which takes no line breaks.
  return JSON.stringify(parseJson(text)).replace(/[^\x20-\x7e]/g, escapeUnit);
}

function escapeUnit(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}
