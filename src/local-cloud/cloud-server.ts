import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { type ServiceName, serviceOf } from './service-of.js';

/** Answers a request with Node's own objects, URL and body untouched. */
export type RawHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** One server for all services: object stores get their requests raw, all others go through the routes added to what is returned. */
export function createCloudServer(raw: Readonly<Partial<Record<ServiceName, RawHandler>>>): FastifyInstance {
  return Fastify({
    // Connections that are kept alive, or stuck, must not hold up a close.
    forceCloseConnections: true,
    // The name of a function may be its ARN, percent-encoded.
    routerOptions: { maxParamLength: 512 },
    serverFactory: (handleOthers) => {
      const server = createServer((request, response) => {
        (raw[serviceOf(request)] ?? handleOthers)(request, response);
      });
      // Longer than the SDK keeps idle connections: a server that closes first resets a request on its way.
      server.keepAliveTimeout = 72_000;
      // A large upload may take longer than Node's default of five minutes.
      server.requestTimeout = 0;
      return server;
    },
  });
}
