import * as vitest from 'vitest';
import { objectStoreSuite } from '../../src/conformance/object-store/object-store-suite.js';
import { createS3Bucket } from '../conformance/s3-bucket.js';
import { startMoto } from './moto-server.js';
import { requireOrSkip } from './required-server.js';

const found = requireOrSkip('moto', { command: 'moto_server', install: "pip install 'moto[server]'" });

vitest.describe.skipIf(!found)('against moto', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>;
  vitest.beforeAll(async () => {
    moto = await startMoto();
  });
  vitest.afterAll(() => moto?.close());

  objectStoreSuite(vitest, 's3 over moto', async () => {
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    return { ...(await createS3Bucket({ endpoint: moto.endpoint, credentials })), ignoresVersionOfParts: true };
  });
});
