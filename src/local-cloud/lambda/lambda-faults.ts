import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { cutUpload, uploadLength } from '../faults/cut-upload.js';
import { type InjectedError, injectedError } from '../faults/documented-errors.js';
import type { FaultSubject, InvocationFault } from '../faults/fault.js';
import type { Struck } from '../faults/fault-script.js';
import type { FaultSource } from '../faults/faults.js';
import { spoilAnswer } from '../faults/spoil-answer.js';
import type { ErrorAnswer } from './lambda-error.js';
import { operationOf } from './lambda-operations.js';

/** The faults of the requests of one server. */
export interface LambdaFaults {
  /** What is to go wrong inside Lambda with this request's invocation. */
  ofInvocation(request: FastifyRequest): InvocationFault | undefined;
}

/**
 * Adds the faults to a server's routes: those of uploads before anything is read, the others behind the hooks that are
 * there already. `functionNameOf` reads the name that a path holds.
 */
export function injectLambdaFaults(
  server: FastifyInstance,
  faults: FaultSource,
  functionNameOf: (given: string) => string,
): LambdaFaults {
  const struck = new WeakMap<FastifyRequest, Struck>();
  server.addHook('onRequest', async (request, reply) => {
    const subject = subjectOf(request, functionNameOf);
    const fault = subject && faults.strike(subject);
    if (fault === undefined) return;
    if (fault.kind === 'cut' && fault.where === 'upload') await cutOff(request, reply);
    else struck.set(request, fault);
  });
  server.addHook('preHandler', async (request, reply) => {
    const fault = struck.get(request);
    return fault === undefined ? undefined : apply(fault, reply);
  });
  return {
    ofInvocation(request) {
      const fault = struck.get(request);
      return fault !== undefined && isOfInvocation(fault) ? fault : undefined;
    },
  };
}

function subjectOf(request: FastifyRequest, functionNameOf: (given: string) => string): FaultSubject | undefined {
  const operation = operationOf(request.method, request.routeOptions.url ?? '');
  if (operation === undefined) return undefined;
  const { name } = request.params as { readonly name?: string };
  return { service: 'lambda', operation, ...(name !== undefined && { functionName: functionNameOf(name) }) };
}

async function cutOff(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.hijack();
  if (uploadLength(request.raw) === 0) return void request.raw.socket.resetAndDestroy();
  try {
    for await (const _ of cutUpload(request.raw, request.raw));
  } catch {
    // That is what was asked for.
  }
}

function apply(fault: Struck, reply: FastifyReply): FastifyReply | undefined {
  switch (fault.kind) {
    case 'error': {
      const { status, headers, body } = wireForm(injectedError(fault, 'lambda'));
      if (fault.execution !== 'after') return reply.status(status).headers(headers).send(body);
      const { raw } = reply;
      const answer = (): void => {
        raw.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
      };
      spoilAnswer(raw, { kind: 'replace', answer });
      return undefined;
    }
    case 'slow':
      spoilAnswer(reply.raw, fault);
      return undefined;
    case 'cut':
      if (fault.where !== 'upload') spoilAnswer(reply.raw, { kind: 'cut', where: fault.where });
      return undefined;
    default:
      return undefined;
  }
}

function isOfInvocation(fault: Struck): fault is InvocationFault {
  return fault.kind !== 'error' && fault.kind !== 'slow' && fault.kind !== 'cut';
}

function wireForm({ code, status, message, reason, retryAfterSeconds }: InjectedError): ErrorAnswer {
  return {
    status,
    headers: {
      'x-amzn-errortype': code,
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: {
      ...(reason !== undefined && { Reason: reason }),
      Type: status < 500 ? 'User' : 'Service',
      // The API's model spells the message with a capital in some errors and without in others; clients read both.
      ...(code === 'ServiceException' ? { Message: message } : { message }),
    },
  };
}
