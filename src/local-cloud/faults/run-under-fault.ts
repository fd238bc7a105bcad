import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServiceName } from '../service-of.js';
import { cutUpload, uploadLength } from './cut-upload.js';
import { type InjectedError, injectedError } from './documented-errors.js';
import type { Struck } from './fault-script.js';
import { spoilAnswer } from './spoil-answer.js';

/** What every service's request has. */
interface SpoilableRequest {
  readonly body: AsyncIterable<Uint8Array>;
  readonly response: ServerResponse;
}

/** An error of the script in the service's own terms: to be thrown, or to be answered in place of a result. */
interface RaisedError {
  readonly error: Error;
  answer(): void;
}

/** Runs an operation of an object service, or does not, as the fault says. Throws the error that is the fault. */
export async function runUnderFault<Request extends SpoilableRequest>(
  fault: Struck,
  {
    service,
    request,
    incoming,
    raise,
  }: {
    readonly service: ServiceName;
    readonly request: Request;
    readonly incoming: IncomingMessage;
    readonly raise: (injected: InjectedError) => RaisedError;
  },
  run: (request: Request) => Promise<void>,
): Promise<void> {
  const { response } = request;
  switch (fault.kind) {
    case 'error': {
      const { error, answer } = raise(injectedError(fault, service));
      if (fault.execution !== 'after') throw error;
      spoilAnswer(response, { kind: 'replace', answer });
      return run(request);
    }
    case 'slow':
      spoilAnswer(response, fault);
      return run(request);
    case 'cut':
      if (fault.where !== 'upload') {
        spoilAnswer(response, { kind: 'cut', where: fault.where });
        return run(request);
      }
      if (uploadLength(incoming) > 0) return run({ ...request, body: cutUpload(request.body, incoming) });
      incoming.socket.resetAndDestroy();
      return undefined;
    default:
      // Lambda's own: no rule brings them here.
      return run(request);
  }
}
