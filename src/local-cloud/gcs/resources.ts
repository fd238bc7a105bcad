import type { GcsBucket } from './store/gcs-bucket.js';
import type { ObjectRecord } from './store/gcs-object.js';

type Resource = Readonly<Record<string, unknown>>;

/** An object as the JSON API tells of it. Source: "Objects", resource representation, Cloud Storage JSON API. */
export function objectResource(origin: string, bucket: string, record: ObjectRecord): Resource {
  const { key, facts, generation, metageneration, size, crc32c, md5Hash, componentCount, createdMs, updatedMs } =
    record;
  const path = `${bucket}/o/${encodeURIComponent(key)}`;
  return {
    kind: 'storage#object',
    id: `${bucket}/${key}/${generation}`,
    selfLink: `${origin}/storage/v1/b/${path}`,
    mediaLink: `${origin}/download/storage/v1/b/${path}?generation=${generation}&alt=media`,
    name: key,
    bucket,
    generation: String(generation),
    metageneration: String(metageneration),
    storageClass: STORAGE_CLASS,
    size: String(size),
    ...(md5Hash !== undefined && { md5Hash }),
    crc32c,
    etag: etagOf(record),
    ...(componentCount !== undefined && { componentCount }),
    timeCreated: new Date(createdMs).toISOString(),
    updated: new Date(updatedMs).toISOString(),
    timeStorageClassUpdated: new Date(createdMs).toISOString(),
    ...facts,
  };
}

/** A bucket as the JSON API tells of it. */
export async function bucketResource(origin: string, bucket: GcsBucket): Promise<Resource> {
  const { createdMs, location, storageClass } = bucket.facts;
  return {
    kind: 'storage#bucket',
    id: bucket.name,
    selfLink: `${origin}/storage/v1/b/${bucket.name}`,
    name: bucket.name,
    projectNumber: '0',
    metageneration: '1',
    location,
    locationType: 'region',
    storageClass,
    etag: 'CAE=',
    timeCreated: new Date(createdMs).toISOString(),
    updated: new Date(createdMs).toISOString(),
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
    ...(await bucket.settings()),
  };
}

/** Changes with every generation and metageneration. */
export function etagOf({ generation, metageneration }: ObjectRecord): string {
  return Buffer.from(`${generation}/${metageneration}`).toString('base64');
}

/** The one storage class there is. */
export const STORAGE_CLASS = 'STANDARD';
