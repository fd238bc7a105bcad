import { type ListingCursor, listPage } from '../../listing.js';
import { invalidParameter } from '../gcs-error.js';
import type { GcsRequest } from '../gcs-request.js';
import { replyJson } from '../reply.js';
import { objectResource } from '../resources.js';
import { pageSize } from './bucket-operations.js';
import { bucketOf, type GcsContext, type Operation } from './operation.js';

export const LIST_OBJECTS: Operation = {
  name: 'storage.objects.list',
  api: 'json',
  method: 'GET',
  path: 'b/:bucket/o',
  // No bucket keeps versions, and none has managed folders, so that it is the same with and without them.
  takes: [
    'prefix',
    'delimiter',
    'startOffset',
    'endOffset',
    'maxResults',
    'pageToken',
    'versions',
    'includeFoldersAsPrefixes',
  ],
  run: listObjects,
};

async function listObjects(request: GcsRequest, context: GcsContext): Promise<void> {
  const { query, origin } = request;
  const bucket = bucketOf(request, context);
  const token = query.get('pageToken');
  const startOffset = query.get('startOffset') ?? '';
  const page = listPage(bucket.keys, {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    cursor: token === undefined || token === '' ? { kind: 'from', after: startOffset } : parseToken(token),
    end: query.get('endOffset') ?? '',
    size: pageSize(query),
  });
  replyJson(request, {
    kind: 'storage#objects',
    ...(page.next !== undefined && { nextPageToken: tokenOf(page.next) }),
    ...(page.commonPrefixes.length > 0 && { prefixes: page.commonPrefixes }),
    ...(page.keys.length > 0 && {
      items: page.keys.map((key) => objectResource(origin, bucket.name, bucket.get(key))),
    }),
  });
}

function tokenOf({ kind, after }: ListingCursor): string {
  return Buffer.from(`${kind}:${after}`).toString('base64url');
}

function parseToken(token: string): ListingCursor {
  const match = /^(key|prefix):(.*)$/s.exec(Buffer.from(token, 'base64url').toString());
  if (match === null) throw invalidParameter('pageToken', 'Invalid argument.');
  return { kind: match[1] as ListingCursor['kind'], after: match[2] as string };
}
