import { runParallel } from '../../object-store/run-parallel.js';
import type { DataFile } from '../data-file.js';
import { shownUrl } from '../shown-url.js';
import type { Staging } from '../staging.js';
import { downloadFile } from './download-file.js';
import { findFile } from './find-file.js';
import { createHttpRequests, type HttpRequests } from './http-requests.js';
import { type HttpStagingOptions, httpOptionsFrom, resolveHttpStagingOptions } from './http-staging-options.js';
import { uploadFile } from './upload-file.js';

/**
 * Staging of `http:` and `https:` URLs: inputs by GET, outputs by PUT, `remove` by DELETE. What the server serves is what
 * the task gets: nothing is unpacked, and the status alone says whether it is the file, unless `expectType` says more.
 *
 * @param options Default: what `SLUICE_HTTP_OPTIONS` holds, as JSON, when the first file is moved.
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createHttpStaging(options?: HttpStagingOptions): Staging {
  const given = options && resolveHttpStagingOptions(options);
  let opened: HttpRequests | undefined;
  const requests = (): HttpRequests => {
    opened ??= createHttpRequests(given ?? httpOptionsFrom(process.env));
    return opened;
  };
  const isOurs = (file: DataFile) => SCHEMES.includes(file.scheme);
  return {
    name: 'http',
    schemes: SCHEMES,
    // Many servers make their entity tags of time and size.
    capabilities: { stageOut: true, list: false, remove: true, identity: 'time' },
    canStageIn: isOurs,
    canStageOut: isOurs,
    async stageIn(file, target) {
      await downloadFile(requests(), file.url, target);
      return target.suggestedPath;
    },
    stageOut: async (file, source) => uploadFile(requests(), file.url, source),
    identity: async (file, signal = new AbortController().signal) => findFile(requests(), file.url, signal),
    async remove(files, signal) {
      const accepts = [200, 202, 204, 404, 410];
      await runParallel(files, { limit: PARALLEL_FILES, signal }, async ({ url }, stop) => {
        const what = `remove ${shownUrl(url)}`;
        const answer = await requests().send({ what, method: 'DELETE', url, signal: stop, accepts });
        await answer.discard();
      });
    },
    async close() {
      await opened?.close();
      opened = undefined;
    },
  };
}

const SCHEMES: readonly string[] = ['http', 'https'];
const PARALLEL_FILES = 8;
