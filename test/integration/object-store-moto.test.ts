import * as vitest from 'vitest';
import type { KnownGaps } from '../../src/conformance/object-store/fixture.js';
import { objectStoreSuite } from '../../src/conformance/object-store/object-store-suite.js';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createS3Staging } from '../../src/data/s3/s3-staging.js';
import { createS3Bucket } from '../conformance/s3-bucket.js';
import { type Deviations, s3ProtocolSuite } from '../conformance/s3-protocol/s3-protocol-suite.js';
import { fixtureOf } from '../conformance/staging-bucket.js';
import { startMoto } from './moto-server.js';
import { requireOrSkip } from './required-server.js';

const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };

// As moto 5.2 does.
const GAPS: KnownGaps = {
  ignoresVersionOfParts: true,
  trustsEveryUrl: true,
  refusedKeys: { 'line\nfeed': 'NOT_FOUND' },
};
const DEVIATIONS: Deviations = {
  'a wrong CRC32 is refused': 'ok',
  'a stream that does not fit the CRC32 in its trailer is refused, and nothing is stored': 'ok, then: Error',
  'a wrong Content-MD5 is refused': 'ok',
  'a key of 1,025 bytes is refused': 'ok',
  'a part with a wrong CRC32 is refused': 'ok',
  'an upload in parts under If-Match with another version leaves the object alone': 'ok, then: new',
  'a presigned GET whose signature was changed is refused': '200',
  'a presigned GET is no right to another object': '200',
  'a presigned GET that has expired is refused': '200',
  'a presigned PUT that carries the CRC32 of nothing takes nothing else': '200',
  'a wrong secret is refused': 'ok',
  'an unknown access key is refused': 'ok',
  'a request without a signature is refused': '403',
};

const found = requireOrSkip('moto', { command: 'moto_server', install: "pip install 'moto[server]'" });

// A busy machine: these servers take what we do not have.
vitest.vi.setConfig({ testTimeout: 120_000 });

vitest.describe.skipIf(!found)('against moto', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>;
  vitest.beforeAll(async () => {
    moto = await startMoto();
  });
  vitest.afterAll(() => moto?.close());

  objectStoreSuite(vitest, 's3 over moto', async () => {
    return { ...(await createS3Bucket({ endpoint: moto.endpoint, credentials })), gaps: GAPS };
  });

  stagingSuite(vitest, 's3 over moto', async () => {
    const { store, close } = await createS3Bucket({ endpoint: moto.endpoint, credentials });
    return { ...fixtureOf(store, createS3Staging({ openStore: () => store })), close };
  });

  s3ProtocolSuite('moto', () => ({ endpoint: moto.endpoint, credentials }), DEVIATIONS);
});
