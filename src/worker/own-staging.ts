import type { DataFile } from '../data/data-file.js';
import { shownUrl } from '../data/shown-url.js';
import type { ListedFile, Staging } from '../data/staging.js';
import { ERROR_CODES, messageOf, SluiceError } from '../errors.js';

/**
 * The staging that a module of the user's makes, as one that fails with SluiceErrors only: of other errors, one whose `code`
 * is a code of Sluice's has it, and any other is `SERVICE_FAILED`, which is repeated.
 *
 * @param exports of the module
 * @param module its name, for errors
 * @throws {SluiceError} `CODE_NOT_SHIPPABLE` when it makes none
 */
export async function createOwnStaging(
  exports: Readonly<Record<string, unknown>>,
  options: unknown,
  module: string,
): Promise<Staging> {
  const { default: make } = exports;
  if (typeof make !== 'function') throw notOne(module, 'exports no function by `default`, to make the staging');
  let made: unknown;
  try {
    made = await make(options);
  } catch (cause) {
    throw notOne(module, `could not make its staging: ${messageOf(cause)}`, cause);
  }
  const fields = (typeof made === 'object' && made !== null ? made : {}) as Readonly<Record<string, unknown>>;
  const missing = METHODS.filter((method) => typeof fields[method] !== 'function');
  if (!Array.isArray(fields.schemes) || typeof fields.capabilities !== 'object') missing.push('schemes, capabilities');
  if (missing.length > 0) throw notOne(module, `made no Staging: it lacks ${missing.join(', ')}`);
  return translated(made as Staging);
}

const METHODS: readonly string[] = ['canStageIn', 'canStageOut', 'stageIn', 'stageOut', 'identity', 'close'];

function notOne(module: string, text: string, cause?: unknown): SluiceError {
  const message = `customStaging: the module ${module} ${text}`;
  return new SluiceError('CODE_NOT_SHIPPABLE', message, cause === undefined ? {} : { cause });
}

// By its methods, one by one: an instance of a class keeps them so.
function translated(staging: Staging): Staging {
  const { name, schemes, capabilities, place } = staging;
  const attempt = async <T>(
    action: string,
    file: DataFile | undefined,
    run: () => Promise<T>,
    signal?: AbortSignal,
  ) => {
    try {
      return await run();
    } catch (error) {
      throw failureOf(error, `${name}: ${action} ${shownUrl(file?.url ?? 'files')}`, signal);
    }
  };
  return {
    name,
    schemes,
    capabilities,
    ...(place !== undefined && { place }),
    canStageIn: (file) => staging.canStageIn(file),
    canStageOut: (file) => staging.canStageOut(file),
    stageIn: (file, target) => attempt('read', file, () => staging.stageIn(file, target), target.signal),
    stageOut: (file, source) => attempt('write', file, () => staging.stageOut(file, source), source.signal),
    identity: (file, signal) => attempt('look up', file, () => staging.identity(file, signal), signal),
    ...inBulk(staging, attempt),
    close: () => staging.close(),
  };
}

type Attempt = <T>(
  action: string,
  file: DataFile | undefined,
  run: () => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;

function inBulk(staging: Staging, attempt: Attempt): Pick<Staging, 'identities' | 'list' | 'remove'> {
  const { name, identities, list, remove } = staging;
  return {
    ...(identities !== undefined && {
      identities: (files: readonly DataFile[], signal: AbortSignal) =>
        attempt('look up', files[0], () => identities.call(staging, files, signal), signal),
    }),
    ...(remove !== undefined && {
      remove: (files: readonly DataFile[], signal: AbortSignal) =>
        attempt('remove', files[0], () => remove.call(staging, files, signal), signal),
    }),
    ...(list !== undefined && {
      async *list(folder: DataFile, signal: AbortSignal, startsWith?: string): AsyncGenerator<ListedFile> {
        try {
          yield* list.call(staging, folder, signal, startsWith);
        } catch (error) {
          throw failureOf(error, `${name}: list ${shownUrl(folder.url)}`, signal);
        }
      },
    }),
  };
}

function failureOf(error: unknown, what: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof SluiceError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? code : 'SERVICE_FAILED';
  return new SluiceError(known, `${what}: ${messageOf(error)}`, { cause: error });
}
