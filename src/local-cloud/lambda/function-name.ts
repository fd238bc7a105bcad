import { LambdaError } from './lambda-error.js';

/** Account that everything in local-cloud belongs to. */
const ACCOUNT_ID = '000000000000';

/** The only version local-cloud keeps of a function. */
export const LATEST = '$LATEST';

/** A function as a request names it. */
export interface FunctionReference {
  readonly name: string;
  readonly qualifier: string;
}

/** Full ARN of a function, without a version. */
export function functionArn(region: string, name: string): string {
  return `arn:aws:lambda:${region}:${ACCOUNT_ID}:function:${name}`;
}

// name, name:version, account:function:name, function:name, or the full ARN (Lambda API Reference, Invoke, FunctionName).
const REFERENCE =
  /^(?:(?:arn:aws[\w-]*:lambda:(?<region>[a-z0-9-]+):)?(?:(?<account>\d{12}):)?function:)?(?<name>[\w-]{1,64})(?::(?<qualifier>\$LATEST|[\w-]+))?$/;

/**
 * The function a request names: by its name, a partial ARN or a full ARN, each with or without a version.
 *
 * @throws {LambdaError} `InvalidParameterValueException` when the text is none of these; `ResourceNotFoundException`
 *   for another region or account than this one's.
 */
export function parseFunctionName(text: string, region: string): FunctionReference {
  const groups = REFERENCE.exec(text)?.groups;
  if (groups?.name === undefined) {
    throw new LambdaError('InvalidParameterValueException', `'${text}' is not a function name or ARN`);
  }
  const { name, qualifier = LATEST } = groups;
  if ((groups.region ?? region) !== region || (groups.account ?? ACCOUNT_ID) !== ACCOUNT_ID) {
    throw notFound(text);
  }
  return { name, qualifier };
}

/** `ResourceNotFoundException` in AWS's words. */
export function notFound(arn: string): LambdaError {
  return new LambdaError('ResourceNotFoundException', `Function not found: ${arn}`);
}
