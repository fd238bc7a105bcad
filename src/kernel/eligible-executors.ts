import { SluiceError } from '../errors.js';
import type { Executor } from '../executors/executor.js';
import type { Resources } from '../wire/task-envelope.js';
import type { TaskRequest } from './task-request.js';

/**
 * The executors a task may run on: those whose label it names, and which honour every resource it asks for; those that
 * share this machine's disk, where a stream is appended to a file on it.
 *
 * @throws {SluiceError} `UNKNOWN_LABEL` naming every unknown label, `RESOURCES_NOT_HONOURED` naming the keys,
 *   `INVALID_OPTIONS` when nothing can be appended
 */
export function eligibleExecutors(executors: readonly Executor[], request: TaskRequest): readonly Executor[] {
  const all = request.executors === undefined ? executors : withLabels(executors, request.executors, request.appName);
  const named = request.appends === undefined ? all : withThisDisk(all, request);
  const asked = resourceKeys(request.resources);
  if (asked.length === 0) return named;
  const able = named.filter((executor) => asked.every((key) => executor.capabilities.resources.includes(key)));
  if (able.length > 0) return able;
  const labels = named.map((executor) => `'${executor.label}'`).join(', ');
  // What nobody honours is the mistake; where each key has somebody, it is that they are asked for together.
  const unknown = asked.filter((key) => !named.some((executor) => executor.capabilities.resources.includes(key)));
  const which = unknown.length > 0 ? unknown.join(', ') : `${asked.join(', ')} together`;
  throw new SluiceError(
    'RESOURCES_NOT_HONOURED',
    `app '${request.appName}' asks for ${which}, which no executor it may run on (${labels}) can give`,
  );
}

function withLabels(executors: readonly Executor[], labels: readonly string[], appName: string): readonly Executor[] {
  const unknown = labels.filter((label) => !executors.some((executor) => executor.label === label));
  if (unknown.length === 0) return executors.filter((executor) => labels.includes(executor.label));
  const known = executors.map((executor) => `'${executor.label}'`).join(', ');
  const wanted = unknown.map((label) => `'${label}'`).join(', ');
  throw new SluiceError('UNKNOWN_LABEL', `app '${appName}' asks for executor ${wanted}; this kernel has ${known}`);
}

function withThisDisk(executors: readonly Executor[], { appName, appends = [] }: TaskRequest): readonly Executor[] {
  const sharing = executors.filter(({ capabilities }) => capabilities.sharesFilesystem);
  if (sharing.length > 0) return sharing;
  const labels = executors.map((executor) => `'${executor.label}'`).join(', ');
  throw new SluiceError(
    'INVALID_OPTIONS',
    `app '${appName}' appends its ${appends.join(' and ')} to a file of this machine, and no executor it may run on (${labels}) shares its disk: leave append out, and the file is replaced`,
  );
}

const NO_KEYS: readonly (keyof Resources)[] = [];

function resourceKeys(resources: Resources | undefined): readonly (keyof Resources)[] {
  if (resources === undefined) return NO_KEYS;
  return (Object.keys(resources) as (keyof Resources)[]).filter((key) => resources[key] !== undefined);
}
