import type { z } from 'zod';
import { LambdaError } from './lambda-error.js';

/**
 * Parses the JSON body of a control-plane request and checks it.
 *
 * @throws {LambdaError} `InvalidRequestContentException` for what is not JSON, `InvalidParameterValueException` naming
 *   every member that does not fit.
 */
export function parseRequestBody<T>(schema: z.ZodType<T>, body: Buffer): T {
  const parsed = schema.safeParse(parseJson(body.length === 0 ? '{}' : body.toString()));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `Value at '${issue.path.join('.')}': ${issue.message}`);
  throw new LambdaError(
    'InvalidParameterValueException',
    `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected: ${problems.join('; ')}`,
  );
}

/** @throws {LambdaError} `InvalidRequestContentException` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LambdaError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${String(cause)}`,
      {
        cause,
      },
    );
  }
}
