const FUNCTIONS = '/2015-03-31/functions';

// Verbs and paths: AWS Lambda API Reference. The SDK writes the collection's path with a slash at its end.
const OPERATIONS: Readonly<Record<string, string>> = {
  [`POST ${FUNCTIONS}`]: 'CreateFunction',
  [`POST ${FUNCTIONS}/`]: 'CreateFunction',
  [`GET ${FUNCTIONS}`]: 'ListFunctions',
  [`GET ${FUNCTIONS}/`]: 'ListFunctions',
  [`GET ${FUNCTIONS}/:name`]: 'GetFunction',
  [`GET ${FUNCTIONS}/:name/configuration`]: 'GetFunctionConfiguration',
  [`PUT ${FUNCTIONS}/:name/code`]: 'UpdateFunctionCode',
  [`PUT ${FUNCTIONS}/:name/configuration`]: 'UpdateFunctionConfiguration',
  [`DELETE ${FUNCTIONS}/:name`]: 'DeleteFunction',
  [`POST ${FUNCTIONS}/:name/invocations`]: 'Invoke',
  'PUT /2017-10-31/functions/:name/concurrency': 'PutFunctionConcurrency',
  'GET /2019-09-30/functions/:name/concurrency': 'GetFunctionConcurrency',
  'DELETE /2017-10-31/functions/:name/concurrency': 'DeleteFunctionConcurrency',
  'GET /2016-08-19/account-settings': 'GetAccountSettings',
};

/** Name of the operation of a route, as in the API reference. */
export function operationOf(method: string, path: string): string | undefined {
  return OPERATIONS[`${method} ${path}`];
}

/** Names of all operations. */
export const LAMBDA_OPERATION_NAMES: ReadonlySet<string> = new Set(Object.values(OPERATIONS));
