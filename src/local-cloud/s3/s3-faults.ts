import type { IncomingMessage } from 'node:http';
import { cutUpload, uploadLength } from '../faults/cut-upload.js';
import { injectedError } from '../faults/documented-errors.js';
import type { Struck } from '../faults/fault-script.js';
import { spoilAnswer } from '../faults/spoil-answer.js';
import { replyError } from './reply.js';
import { scriptedError } from './s3-error.js';
import type { S3Request } from './s3-request.js';

/** Runs an operation, or does not, as the fault says. @throws {S3Error} the error that is the fault */
export async function runUnderFault<R extends S3Request>(
  fault: Struck,
  request: R,
  incoming: IncomingMessage,
  run: (request: R) => Promise<void>,
): Promise<void> {
  const { response } = request;
  switch (fault.kind) {
    case 'error': {
      const error = scriptedError(injectedError(fault, 's3'));
      if (fault.execution !== 'after') throw error;
      const resource = incoming.url ?? '';
      spoilAnswer(response, { kind: 'replace', answer: () => replyError({ ...request, resource }, error) });
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
