import type { BodyFacts } from '../body/verified-body.js';
import type { ChecksumAlgorithm } from '../checksums/checksum.js';
import type { WriteCondition } from '../conditions.js';
import type { Bucket } from '../store/bucket.js';
import type { ObjectHeaders, ObjectRecord } from '../store/object-record.js';

/** Writes an object of one piece: its content to the end first, then, if the condition still holds, the object. */
export async function storeObject(
  bucket: Bucket,
  object: {
    readonly key: string;
    readonly condition: WriteCondition;
    readonly headers: ObjectHeaders;
    readonly algorithm: ChecksumAlgorithm;
    readonly now: () => number;
  },
  content: () => AsyncGenerator<Uint8Array, BodyFacts>,
): Promise<ObjectRecord> {
  const write = bucket.beginWrite(object.key, object.condition);
  try {
    const { segment, facts } = await bucket.data.write(content());
    const record: ObjectRecord = {
      key: object.key,
      ...object.headers,
      size: facts.size,
      etag: facts.md5,
      lastModifiedMs: object.now(),
      checksum: { algorithm: object.algorithm, value: facts.checksum, type: 'FULL_OBJECT' },
      segments: [segment],
    };
    try {
      await write.commit(record);
    } catch (error) {
      await bucket.data.discard([segment]);
      throw error;
    }
    return record;
  } finally {
    write.end();
  }
}
