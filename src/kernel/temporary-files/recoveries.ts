import { isGone } from '../../data/lost-inputs.js';
import type { TemporaryHomes } from '../../data/temporary-homes.js';
import { messageOf, SluiceError } from '../../errors.js';
import type { Executor } from '../../executors/executor.js';
import type { AppFuture } from '../app-future.js';
import { forget, MOST_RECOVERIES, notMadeAgain, type Production } from './production.js';
import type { TemporaryFile } from './temporary-file.js';

/** Runs a task again, as a task of its own. */
export type Rerun = (production: Production, wanted: TemporaryFile) => AppFuture<unknown>;

/** Sees to it that the inputs of a task are there, where it runs: by running again what makes them, or by a copy. */
export class Recoveries {
  readonly #homes: TemporaryHomes;
  readonly #rerun: Rerun;

  constructor(homes: TemporaryHomes, rerun: Rerun) {
    this.#homes = homes;
    this.#rerun = rerun;
  }

  /**
   * `undefined` when the file can be read there, as far as anybody knows; else resolves when that is so.
   *
   * Rejects with `INPUT_LOST`, class `usage`, when it cannot be made again, with `NOT_FOUND` when it never was, and with
   * `FILE_NOT_REACHABLE`.
   */
  ensure(file: TemporaryFile, reader: Executor): Promise<void> | undefined {
    const { place } = file;
    if (place.kind === 'unmade') return Promise.reject(neverMade(file));
    if (place.kind !== 'kept') return this.#made(file).then(() => this.ensure(file, reader));
    if (place.keeper === undefined || place.keeper === reader.label) return undefined;
    return this.#copied(file).then(() => this.ensure(file, reader));
  }

  #made(file: TemporaryFile): Promise<void> {
    const { maker } = file;
    if (maker === undefined) return Promise.reject(neverMade(file));
    maker.recovery ??= this.#recover(maker, file).finally(() => {
      maker.recovery = undefined;
      forget(maker);
    });
    return maker.recovery;
  }

  // However many tasks found files of it lost, it runs once for all of them.
  async #recover(maker: Production, file: TemporaryFile): Promise<void> {
    const name = `task ${maker.taskId} '${maker.appName}', which makes it,`;
    if (maker.recipe === undefined)
      throw notMadeAgain(file, `${name} cannot be run again: all of its files were freed`);
    if (maker.recoveries === MOST_RECOVERIES) {
      throw notMadeAgain(file, `${name} was run again ${MOST_RECOVERIES} times already`);
    }
    maker.recoveries += 1;
    const settlement = await this.#rerun(maker, file).settled();
    if (settlement.kind === 'error') throw notMadeAgain(file, `${name} failed when it was run again`, settlement.error);
  }

  #copied(file: TemporaryFile): Promise<void> {
    file.copying ??= this.#copy(file).finally(() => {
      file.copying = undefined;
    });
    return file.copying;
  }

  async #copy(file: TemporaryFile): Promise<void> {
    const { place, maker } = file;
    if (place.kind !== 'kept') return;
    // Attempt 0: what no attempt has written.
    const home = this.#homes.placeFor(file.url, { taskId: maker?.taskId ?? 0, attempt: 0 });
    try {
      await this.#homes.copy(place.home, home);
    } catch (error) {
      if (!isGone(error)) throw notReachable(file, place.keeper, error);
      if (file.place === place) file.place = { kind: 'lost' };
      return;
    }
    if (file.place !== place) return;
    file.oldHomes = [...file.oldHomes, place];
    file.place = { kind: 'kept', home, keeper: undefined };
  }
}

function neverMade(file: TemporaryFile): SluiceError {
  return new SluiceError(
    'NOT_FOUND',
    `no task has made ${file.url}: a join that has it among its outputs has to pass it on to an app, among that one's outputs`,
  );
}

function notReachable(file: TemporaryFile, keeper: string | undefined, cause: unknown): SluiceError {
  return new SluiceError(
    'FILE_NOT_REACHABLE',
    `${file.url} is kept by executor '${keeper}' and could not be copied for a task elsewhere: ${messageOf(cause)}`,
    { cause },
  );
}
