import * as z from 'zod';
import { parseOptions } from '../../parse-options.js';
import { GCS_OPERATION_NAMES } from '../gcs/find-operation.js';
import { LAMBDA_OPERATION_NAMES } from '../lambda/lambda-operations.js';
import { S3_OPERATION_NAMES } from '../s3/find-operation.js';
import type { ServiceName } from '../service-of.js';
import { documentedStatus, THROTTLE_REASONS } from './documented-errors.js';
import type { Fault, FaultRule } from './fault.js';

/** A rule with what follows from the rest of it filled in. */
export interface ResolvedFaultRule extends Omit<FaultRule, 'operation'> {
  readonly name: string;
  /** Where only one service fits. */
  readonly service?: ServiceName;
  readonly operations?: ReadonlySet<string>;
}

// Node's largest timer.
const ms = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const count = z.int().positive();
const reason = z.enum(THROTTLE_REASONS);
const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('error'),
    execution: z.enum(['before', 'after']).exactOptional(),
    code: z.string().regex(/^\w+$/).exactOptional(),
    status: z.int().min(200).max(599).exactOptional(),
    message: z.string().exactOptional(),
    reason: reason.exactOptional(),
    retryAfterSeconds: z.int().min(0).exactOptional(),
  }),
  z
    .strictObject({
      kind: z.literal('throttleBurst'),
      requests: count.exactOptional(),
      forMs: ms.exactOptional(),
      reason: reason.exactOptional(),
    })
    .refine(({ requests, forMs }) => (requests === undefined) !== (forMs === undefined), 'give requests or forMs'),
  z
    .strictObject({
      kind: z.literal('slow'),
      latencyMs: ms.exactOptional(),
      bytesPerSecond: count.exactOptional(),
    })
    .refine(({ latencyMs, bytesPerSecond }) => latencyMs !== undefined || bytesPerSecond !== undefined, {
      error: 'give latencyMs, bytesPerSecond, or both',
    }),
  z.strictObject({ kind: z.literal('cut'), where: z.enum(['upload', 'answer', 'body']) }),
  z.strictObject({ kind: z.literal('duplicate') }),
  // AWS Lambda Developer Guide, "Lambda execution environment lifecycle": the init phase has ten seconds.
  z.strictObject({ kind: z.literal('coldStart'), initMs: ms.max(10_000).exactOptional() }),
  z.strictObject({ kind: z.literal('killEnvironment'), afterMs: ms.exactOptional() }),
  z.strictObject({ kind: z.literal('outOfMemory'), afterMs: ms.exactOptional() }),
]);

const OPERATIONS: Readonly<Record<ServiceName, ReadonlySet<string>>> = {
  s3: S3_OPERATION_NAMES,
  lambda: LAMBDA_OPERATION_NAMES,
  gcs: GCS_OPERATION_NAMES,
};
const SERVICES = Object.keys(OPERATIONS) as readonly ServiceName[];
const operation = z.enum([...new Set(SERVICES.flatMap((service) => [...OPERATIONS[service]]))]);
const rule = z
  .strictObject({
    name: z.string().min(1).exactOptional(),
    service: z.enum(SERVICES).exactOptional(),
    operation: z.union([operation, z.array(operation).nonempty().readonly()]).exactOptional(),
    functionName: z.string().min(1).exactOptional(),
    bucket: z.string().min(1).exactOptional(),
    keyPrefix: z.string().exactOptional(),
    probability: z.number().min(0).max(1).exactOptional(),
    nth: count.exactOptional(),
    every: count.exactOptional(),
    times: count.exactOptional(),
    forMs: ms.exactOptional(),
    fault,
  })
  .superRefine((given, context) => {
    for (const { message, path } of problemsOf(given)) context.addIssue({ code: 'custom', message, path });
  });
const schema = z.strictObject({ faults: z.array(rule).readonly(), seed: z.int().default(1) });

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every rule that does not fit, as `faults[0]` and so on. */
export function resolveFaultRules(
  faults: readonly FaultRule[],
  { seed }: { readonly seed?: number | undefined } = {},
): { readonly rules: readonly ResolvedFaultRule[]; readonly seed: number } {
  const script = parseOptions(schema, { faults, ...(seed !== undefined && { seed }) }, 'script of faults');
  return { rules: script.faults.map(resolveRule), seed: script.seed };
}

function resolveRule({ operation: given, ...rest }: FaultRule, index: number): ResolvedFaultRule {
  const [service, another] = servicesOf({ ...rest, ...(given !== undefined && { operation: given }) });
  const operations = isInvocationFault(rest.fault) ? ['Invoke'] : given;
  return {
    ...rest,
    name: rest.name ?? `${rest.fault.kind}[${index}]`,
    ...(service !== undefined && another === undefined && { service }),
    ...(operations !== undefined && { operations: new Set([operations].flat()) }),
  };
}

// Amazon S3 API Reference: these begin their answer before they know how it ends.
const ANSWERS_ERRORS_WITH_200: ReadonlySet<string> = new Set([
  'CompleteMultipartUpload',
  'CopyObject',
  'UploadPartCopy',
]);

interface Problem {
  readonly message: string;
  readonly path: string[];
}

/** What does not go together, though each part of it could stand. */
function problemsOf(given: FaultRule): Problem[] {
  const services = servicesOf(given);
  const [service] = services;
  if (service === undefined) return [{ message: 'no service has all of what this rule names', path: [] }];
  const problems: Problem[] = [];
  if (isInvocationFault(given.fault) && given.operation !== undefined && given.operation !== 'Invoke') {
    problems.push({ message: `${given.fault.kind} is for the operation Invoke only`, path: ['operation'] });
  }
  if (given.fault.kind !== 'error') return problems;
  const { code, status = 500 } = given.fault;
  if (status < 400 && ![given.operation ?? ''].flat().every((name) => ANSWERS_ERRORS_WITH_200.has(name))) {
    const those = [...ANSWERS_ERRORS_WITH_200].join(', ');
    problems.push({ message: `an error with status ${status} is for ${those} only`, path: ['fault', 'status'] });
  }
  if (code !== undefined && given.fault.status === undefined && !services.some((one) => documentedStatus(one, code))) {
    problems.push({ message: `'${code}' is not documented for ${service}: give its status`, path: ['fault', 'code'] });
  }
  return problems;
}

/** The services that have everything a rule names. */
function servicesOf({ service, operation, functionName, bucket, keyPrefix, fault }: FaultRule): ServiceName[] {
  const has = (one: ServiceName): boolean => {
    if (service !== undefined && service !== one) return false;
    if (operation !== undefined && ![operation].flat().every((name) => OPERATIONS[one].has(name))) return false;
    if (one !== 'lambda') return functionName === undefined && !isForLambda(fault);
    return bucket === undefined && keyPrefix === undefined;
  };
  const all = SERVICES.filter(has);
  const code = fault.kind === 'error' ? fault.code : undefined;
  const documenting = all.filter((one) => code !== undefined && documentedStatus(one, code) !== undefined);
  return documenting.length > 0 ? documenting : all;
}

function isForLambda(given: Fault): boolean {
  return isInvocationFault(given) || ('reason' in given && given.reason !== undefined);
}

function isInvocationFault({ kind }: Fault): boolean {
  return kind === 'duplicate' || kind === 'coldStart' || kind === 'killEnvironment' || kind === 'outOfMemory';
}
