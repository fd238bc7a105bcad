import * as vitest from 'vitest';
import type { KnownGaps } from '../../src/conformance/object-store/fixture.js';
import { objectStoreSuite } from '../../src/conformance/object-store/object-store-suite.js';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createS3Staging } from '../../src/data/s3/s3-staging.js';
import { createS3Bucket } from '../conformance/s3-bucket.js';
import { type Deviations, s3ProtocolSuite } from '../conformance/s3-protocol/s3-protocol-suite.js';
import { fixtureOf } from '../conformance/staging-bucket.js';
import { findRadosgw, type Radosgw, startRadosgw } from './radosgw-server.js';

// As radosgw 16.2 does.
const GAPS: KnownGaps = {
  ignoresVersionOfParts: true,
  ignoresAbsenceForParts: true,
  refusesEveryVersion: true,
  refusedKeys: { 'nul\0byte': 'INVALID_OPTIONS' },
};
const DEVIATIONS: Deviations = {
  'a stream is stored without its framing, with the checksum of the SDK in its trailer': 'MissingContentLength 411',
  'If-Match with the current version replaces it': 'PreconditionFailed 412',
  'If-Match on a key without an object is a missing key': 'PreconditionFailed 412',
  'a wrong CRC32 is refused': 'ok',
  'a stream that does not fit the CRC32 in its trailer is refused, and nothing is stored':
    'MissingContentLength 411, then: NoSuchKey 404',
  'a key of 1,025 bytes is refused': 'InvalidObjectName 400',
  'a copy has the bytes of its source and a quoted ETag': '9a0364b9e99bb480dd25e1f0284c8555: content',
  'so has a copy of an odd key': '9a0364b9e99bb480dd25e1f0284c8555: content',
  'the ETag of an upload in parts is the MD5 of theirs and their number': '""',
  'a part with a wrong CRC32 is refused': 'ok',
  'parts and uploads are listed until the upload is ended': '1 part, 1 upload, then: NoSuchKey 404, 0 uploads',
  'an upload in parts under If-None-Match: * leaves an old object alone': 'ok, then: new',
  'an upload in parts under If-Match with another version leaves the object alone': 'ok, then: new',
  'a presigned PUT that carries the CRC32 of nothing takes nothing else': '200',
};

// A busy machine: these servers take what we do not have.
vitest.vi.setConfig({ testTimeout: 120_000 });

vitest.describe.skipIf(!findRadosgw())('against radosgw', () => {
  let radosgw: Radosgw;
  vitest.beforeAll(async () => {
    radosgw = await startRadosgw();
  }, 200_000);
  vitest.afterAll(() => radosgw?.close());

  objectStoreSuite(vitest, 's3 over radosgw', async () => ({ ...(await createS3Bucket(radosgw)), gaps: GAPS }));

  stagingSuite(vitest, 's3 over radosgw', async () => {
    const { store, close } = await createS3Bucket(radosgw);
    return { ...fixtureOf(store, createS3Staging({ openStore: () => store })), close };
  });

  s3ProtocolSuite('radosgw', () => radosgw, DEVIATIONS);
});
