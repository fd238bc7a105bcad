import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FaultSource } from '../faults/faults.js';
import { type FunctionReference, LATEST, parseFunctionName } from './function-name.js';
import { parseInvokeRequest } from './invoke-request.js';
import { errorAnswer, LambdaError } from './lambda-error.js';
import { injectLambdaFaults, type LambdaFaults } from './lambda-faults.js';
import type { LambdaService } from './lambda-service.js';

/** Checks who sent a request. @throws {LambdaError} when it is not signed by somebody known. */
export type Authorize = (request: FastifyRequest, body: Buffer) => void;

interface FunctionParams {
  readonly name: string;
}

// A zip of 50 MB in base64, and the rest of a CreateFunction request.
const BODY_LIMIT_BYTES = 70 * 1024 * 1024;

/** Serves the Lambda API over a service (paths and verbs: Lambda API Reference). */
export function serveLambda(
  server: FastifyInstance,
  service: LambdaService,
  { authorize, faults }: { readonly authorize: Authorize; readonly faults: FaultSource },
): void {
  readBodiesAsBytes(server);
  server.addHook('onRequest', async (_request, reply) => void reply.header('x-amzn-requestid', randomUUID()));
  server.addHook('preHandler', async (request) => authorize(request, bodyOf(request)));
  const injected = injectLambdaFaults(server, faults, (given) => parseFunctionName(given, service.region).name);
  server.setErrorHandler((error, _request, reply) => sendError(reply, error));
  server.setNotFoundHandler((request, reply) =>
    sendError(
      reply,
      new LambdaError('UnknownOperationException', `local-cloud has no ${request.method} ${request.url}`),
    ),
  );
  serveFunctions(server, service);
  serveConcurrency(server, service);
  server.post<{ Params: FunctionParams }>('/2015-03-31/functions/:name/invocations', (request, reply) =>
    invoke(service, injected, request, reply),
  );
}

function serveFunctions(server: FastifyInstance, service: LambdaService): void {
  const { functions } = service;
  const path = '/2015-03-31/functions';
  server.post(path, async (request, reply) => reply.status(201).send(await functions.create(bodyOf(request))));
  server.get(path, (request, reply) => reply.send(functions.list(pageOf(request))));
  // The SDK writes the collection's path with a slash at its end.
  server.post(`${path}/`, async (request, reply) => reply.status(201).send(await functions.create(bodyOf(request))));
  server.get(`${path}/`, (request, reply) => reply.send(functions.list(pageOf(request))));
  server.get(`${path}/:name`, (request, reply) => reply.send(functions.describe(referenceOf(service, request))));
  server.get(`${path}/:name/configuration`, (request, reply) =>
    reply.send(functions.configuration(referenceOf(service, request))),
  );
  server.put(`${path}/:name/code`, async (request) =>
    functions.updateCode(referenceOf(service, request), bodyOf(request)),
  );
  server.put(`${path}/:name/configuration`, async (request) =>
    functions.updateSettings(referenceOf(service, request), bodyOf(request)),
  );
  server.delete(`${path}/:name`, async (request, reply) => {
    await functions.delete(referenceOf(service, request));
    return reply.status(204).send();
  });
}

function serveConcurrency(server: FastifyInstance, service: LambdaService): void {
  const { functions, reservations, ledger } = service;
  server.put('/2017-10-31/functions/:name/concurrency', async (request) =>
    reservations.put(functions.find(referenceOf(service, request)), bodyOf(request)),
  );
  server.get('/2019-09-30/functions/:name/concurrency', async (request) =>
    reservations.get(functions.find(referenceOf(service, request))),
  );
  server.delete('/2017-10-31/functions/:name/concurrency', async (request, reply) => {
    await reservations.delete(functions.find(referenceOf(service, request)));
    return reply.status(204).send();
  });
  server.get('/2016-08-19/account-settings', async () => ({
    AccountLimit: {
      ConcurrentExecutions: ledger.accountLimit,
      UnreservedConcurrentExecutions: ledger.unreserved,
      CodeSizeUnzipped: 262_144_000,
      CodeSizeZipped: 52_428_800,
      TotalCodeSize: 80_530_636_800,
    },
    AccountUsage: functions.usage(),
  }));
}

async function invoke(
  service: LambdaService,
  faults: LambdaFaults,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const record = service.functions.find(referenceOf(service, request));
  const invocation = parseInvokeRequest(request.headers, bodyOf(request));
  const requestId = String(reply.getHeader('x-amzn-requestid'));
  if (invocation.kind === 'DryRun') return reply.status(204).send();
  const fault = faults.ofInvocation(request);
  if (invocation.kind === 'Event') {
    service.enqueue(record, requestId, invocation, fault);
    return reply.status(202).send();
  }
  const result = await service.invoke(record, requestId, invocation, fault);
  reply.header('x-amz-executed-version', LATEST).type('application/json');
  if (result.failed) reply.header('x-amz-function-error', 'Unhandled');
  if (invocation.log === 'Tail') reply.header('x-amz-log-result', result.logTail.toString('base64'));
  return reply.send(result.payload);
}

function readBodiesAsBytes(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT_BYTES }, (_request, body, done) =>
    done(null, body),
  );
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, headers, body } = errorAnswer(asLambdaError(error));
  return reply.status(status).headers(headers).send(body);
}

function asLambdaError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return error;
  return new LambdaError('RequestEntityTooLargeException', `Request must be smaller than ${BODY_LIMIT_BYTES} bytes`);
}

function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function referenceOf(service: LambdaService, request: FastifyRequest): FunctionReference {
  const { name } = request.params as FunctionParams;
  const { Qualifier: qualifier } = request.query as { Qualifier?: string };
  const reference = parseFunctionName(name, service.region);
  return qualifier === undefined ? reference : { ...reference, qualifier };
}

function pageOf(request: FastifyRequest): { marker: string | undefined; maxItems: number } {
  const { Marker: marker, MaxItems: maxItems = '50' } = request.query as { Marker?: string; MaxItems?: string };
  // Lambda API Reference, ListFunctions: at most 50 items a page, whatever is asked for.
  return { marker, maxItems: Math.min(50, Math.max(1, Number(maxItems) || 50)) };
}
