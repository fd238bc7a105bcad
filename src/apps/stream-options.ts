import { DataFile } from '../data/data-file.js';
import { shownUrl } from '../data/shown-url.js';
import { isTemporary } from '../data/temporary-name.js';
import { SluiceError } from '../errors.js';
import type { LogTarget, StreamTarget, TaskRequest } from '../kernel/task-request.js';
import type { StreamName } from '../wire/task-envelope.js';

/** What a call's options say of its streams, as its {@link TaskRequest} has it. */
export type ResolvedStreams = Pick<TaskRequest, StreamName | 'appends'>;

const NAMES: readonly StreamName[] = ['stdout', 'stderr'];

/** Whether the value names where a stream goes; `isFile` tells what names a file. */
export function isStreamTarget(value: unknown, isFile: (value: unknown) => boolean): value is StreamTarget {
  if (isFile(value)) return true;
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== 'append,file') return false;
  const { file, append } = value as { file: unknown; append: unknown };
  return isFile(file) && typeof append === 'boolean';
}

/** @throws {SluiceError} `INVALID_OPTIONS` when what can only be replaced is to be appended to, a file is both, or is temporary */
export function resolveStreams(
  given: Readonly<Record<StreamName, StreamTarget | undefined>>,
  appName: string,
): ResolvedStreams {
  const appends = NAMES.filter((name) => isAppended(given[name]));
  const places = NAMES.flatMap((name) => {
    const target = given[name];
    return target === undefined ? [] : [[name, placeOf(target)] as const];
  });
  for (const [name, place] of places) {
    if (appends.includes(name)) refuseUnlessOnDisk(place, `${name} of app '${appName}'`);
  }
  const urls = new Set(places.map(([name, place]) => (place === 'AUTO' ? name : new DataFile(place).url)));
  for (const url of urls) if (isTemporary(url)) throw noFuture(url, appName);
  if (appends.length === 1 && places.length === 2 && urls.size === 1) throw bothWays([...urls][0] as string, appName);
  return { ...Object.fromEntries(places), ...(appends.length > 0 && { appends }) };
}

function placeOf(target: StreamTarget): LogTarget {
  return isPair(target) ? target.file : target;
}

function isAppended(target: StreamTarget | undefined): boolean {
  return target !== undefined && isPair(target) && target.append;
}

function isPair(target: StreamTarget): target is Exclude<StreamTarget, LogTarget> {
  return typeof target === 'object' && !(target instanceof URL || target instanceof DataFile);
}

function refuseUnlessOnDisk(place: LogTarget, what: string): void {
  if (place === 'AUTO') return;
  const { url, scheme } = new DataFile(place);
  if (scheme === 'file') return;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `${what}: nothing can be appended to ${shownUrl(url)}: name a local file, or leave append out to replace what is there`,
  );
}

function noFuture(url: string, appName: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `a stream of app '${appName}' cannot go to ${url}: no task could read it; write it to one of the outputs`,
  );
}

function bothWays(url: string, appName: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `stdout and stderr of app '${appName}' both go to ${shownUrl(url)}, one to append and one to replace it: say the same of both`,
  );
}
