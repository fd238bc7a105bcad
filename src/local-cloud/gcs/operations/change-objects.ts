import { patchFacts, readJson } from '../body/json-body.js';
import type { GcsRequest } from '../gcs-request.js';
import { PRECONDITION_PARAMETERS, parsePreconditions } from '../preconditions.js';
import { replyEmpty, replyJson } from '../reply.js';
import { objectResource } from '../resources.js';
import { bucketOf, type GcsContext, generationOf, type Operation, objectName } from './operation.js';

const PLACE = { api: 'json', path: 'b/:bucket/o/:object' } as const;
const TAKES = ['generation', ...PRECONDITION_PARAMETERS];

/** What is done to an object that is there. */
export const CHANGE_OPERATIONS: readonly Operation[] = [
  { name: 'storage.objects.patch', ...PLACE, method: 'PATCH', takes: TAKES, run: patchObject },
  { name: 'storage.objects.delete', ...PLACE, method: 'DELETE', takes: TAKES, run: deleteObject },
];

async function patchObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const bucket = bucketOf(request, context);
  const patch = await readJson(request);
  const record = await bucket.patch(objectName(request), (facts) => patchFacts(facts, patch), {
    generation: generationOf(request),
    conditions: parsePreconditions(request.query),
    nowMs: context.now(),
  });
  replyJson(request, objectResource(request.origin, bucket.name, record));
}

async function deleteObject(request: GcsRequest, context: GcsContext): Promise<void> {
  const conditions = parsePreconditions(request.query);
  await bucketOf(request, context).delete(objectName(request), generationOf(request), conditions);
  replyEmpty(request, 204);
}
