import * as vitest from 'vitest';
import { startNotesService } from '../../examples/custom-staging/notes-service.js';
import createNotesStaging from '../../examples/custom-staging/notes-staging.js';
import { stagingSuite } from '../../src/conformance/staging-suite.js';

stagingSuite(vitest, 'one of a user', async () => {
  const service = await startNotesService();
  return {
    staging: createNotesStaging({ service: service.url }),
    urlOf: (name) => `notes://shelf/${encodeURIComponent(name)}`,
    names: async () => [...service.notes.keys()].map((path) => decodeURIComponent(path.slice('/shelf/'.length))),
    close: async () => service[Symbol.asyncDispose](),
  };
});
