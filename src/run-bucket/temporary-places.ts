import { DataFile } from '../data/data-file.js';
import { localName, shortHash } from '../data/local-name.js';
import { isTemporary, namesTemporary } from '../data/temporary-name.js';
import type { Outcome } from '../wire/outcome.js';
import { attemptName, type TaskEnvelope } from '../wire/task-envelope.js';
import type { RunBucket } from './run-bucket.js';

/** URL of a `temp:` output that nobody has named a place for; `undefined` where there is none. */
export function outputWithoutPlace({ outputs, relayed = {} }: TaskEnvelope): string | undefined {
  return outputs.find((url) => isTemporary(url) && relayed[url] === undefined);
}

/** The task with a place of its attempt's own in the bucket for each `temp:` output that has none yet. No I/O. */
export function withTemporaryPlaces(envelope: TaskEnvelope, { store, prefix }: RunBucket): TaskEnvelope {
  if (!namesTemporary(envelope.outputs)) return envelope;
  const folder = `${store.url}/${prefix}/temp/${attemptName(envelope)}`;
  const relayed: Record<string, string> = { ...envelope.relayed };
  for (const url of envelope.outputs.filter(isTemporary)) {
    relayed[url] ??= `${folder}/${shortHash(url)}/${localName(new DataFile(url))}${url.endsWith('/') ? '/' : ''}`;
  }
  return { ...envelope, relayed };
}

/** The outcome, which says where the `temp:` outputs of its task are. */
export function withKept(outcome: Outcome, { outputs, relayed = {} }: TaskEnvelope): Outcome {
  if (outcome.kind === 'error' || !namesTemporary(outputs)) return outcome;
  const places = outputs
    .filter(isTemporary)
    .flatMap((url) => (relayed[url] === undefined ? [] : [[url, relayed[url]]]));
  return { ...outcome, kept: { ...Object.fromEntries(places), ...outcome.kept } };
}
