import type { RelayRecord } from '../data/file-relay.js';
import { inputLost, isGone } from '../data/lost-inputs.js';
import { isTemporary } from '../data/temporary-name.js';
import { SluiceError } from '../errors.js';
import type { Outcome } from '../wire/outcome.js';
import { attemptName, streamsOf, type TaskEnvelope } from '../wire/task-envelope.js';
import type { RunBucket } from './run-bucket.js';

/** An attempt whose files of this machine go through the bucket. */
export interface RelayedTask {
  /** As it is to be sent: it says where each file is for its worker. */
  readonly envelope: TaskEnvelope;
  /** Where its worker puts what belongs on this machine. */
  readonly outputs: RelayRecord;
}

/** URL of a file of this machine that the task reads or writes, `temp:` files that are kept here too; `undefined` where there is none. */
export function localFileOf(envelope: TaskEnvelope): string | undefined {
  const { files, outputs } = envelope;
  const isHere = (url: string): boolean => isLocal(placeOf(url, envelope));
  return files.find(isHere) ?? outputs.find(isHere) ?? streamsOf(envelope).find(isHere);
}

/** The error of a task that names a file of this machine where there is no bucket: `FILE_NOT_REACHABLE`. */
export function notReachable(
  { taskId, app }: TaskEnvelope,
  url: string,
  place: { readonly where: string; readonly executor: string },
): SluiceError {
  if (isTemporary(url)) {
    return new SluiceError(
      'FILE_NOT_REACHABLE',
      `task ${taskId} '${app.name}': there is no place for ${url} that ${place.where} can reach: give ${place.executor} a bucket to keep it`,
    );
  }
  return new SluiceError(
    'FILE_NOT_REACHABLE',
    `task ${taskId} '${app.name}': ${url} is on this machine, where ${place.where} cannot reach it: give ${place.executor} a bucket to carry it, or use an s3: file`,
  );
}

/**
 * Refuses a task with a file in an archive of this machine, for workers that do not see its disk: no bucket carries these,
 * since a whole archive would have to go, and its changes come back. @throws {SluiceError} `FILE_NOT_REACHABLE`
 */
export function refuseArchives(envelope: TaskEnvelope, where: string): void {
  const { taskId, app, files, outputs } = envelope;
  const url = [...files, ...outputs, ...streamsOf(envelope)].find((one) => one.startsWith('zip:'));
  if (url === undefined) return;
  throw new SluiceError(
    'FILE_NOT_REACHABLE',
    `task ${taskId} '${app.name}': ${url} is in an archive on this machine's disk, which ${where} cannot reach, and which no bucket carries: run the task where the disk is shared, or use a file outside the archive`,
  );
}

/** Uploads what the task reads of this machine. Rejects as {@link FileRelay.send} does. */
export async function sendTaskFiles(
  envelope: TaskEnvelope,
  { relay }: RunBucket,
  signal: AbortSignal,
): Promise<RelayedTask> {
  const outputs = relay.outputsFor([...envelope.outputs, ...streamsOf(envelope)], attemptName(envelope));
  const isKept = (url: string): boolean => placeOf(url, envelope) !== url;
  const [temporary, files] = [envelope.files.filter(isKept), envelope.files.filter((url) => !isKept(url))];
  const relayed = {
    ...envelope.relayed,
    ...(await relay.send(files, { signal })),
    ...(await sendTemporary(temporary, envelope, relay, signal)),
    ...outputs,
  };
  return { envelope: { ...envelope, relayed }, outputs };
}

// Those that are kept on this machine; the others are where their workers find them.
async function sendTemporary(
  urls: readonly string[],
  envelope: TaskEnvelope,
  relay: RunBucket['relay'],
  signal: AbortSignal,
): Promise<RelayRecord> {
  const sent: Record<string, string> = {};
  const lost: string[] = [];
  let cause: unknown;
  const send = async (url: string): Promise<void> => {
    const place = placeOf(url, envelope);
    try {
      const at = (await relay.send([place], { signal }))[place];
      if (at !== undefined) sent[url] = at;
    } catch (error) {
      if (!isGone(error)) throw error;
      cause ??= error;
      lost.push(url);
    }
  };
  await Promise.all(urls.map(send));
  if (lost.length > 0) throw inputLost(lost, cause);
  return sent;
}

function placeOf(url: string, { relayed = {} }: TaskEnvelope): string {
  return relayed[url] ?? url;
}

/** Brings what the task wrote to where it belongs on this machine; of one that failed, its streams. */
export async function receiveTaskFiles(
  { envelope, outputs }: RelayedTask,
  outcome: Outcome,
  { relay }: RunBucket,
  signal: AbortSignal,
): Promise<void> {
  if (outcome.kind === 'value') return relay.receive(outputs, { signal });
  // They tell why a command failed; it may have come to none, and the failure counts more.
  const streams = streamsOf(envelope);
  const written = Object.entries(outputs).filter(([url]) => streams.includes(url));
  await Promise.allSettled(written.map(([url, at]) => relay.receive({ [url]: at }, { signal })));
}

function isLocal(url: string): boolean {
  return url.startsWith('file:');
}
