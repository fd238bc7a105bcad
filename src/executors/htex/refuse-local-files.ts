import { SluiceError } from '../../errors.js';
import { streamsOf, type TaskEnvelope } from '../../wire/task-envelope.js';

/** For workers that do not see this machine's disk. @throws {SluiceError} `FILE_NOT_REACHABLE`, naming the file */
export function refuseLocalFiles(envelope: TaskEnvelope, label: string): void {
  const { files, outputs, taskId, app } = envelope;
  const local = [...files, ...outputs, ...streamsOf(envelope)].find((url) => url.startsWith('file:'));
  if (local === undefined) return;
  throw new SluiceError(
    'FILE_NOT_REACHABLE',
    `task ${taskId} '${app.name}' needs ${local}, which is on this machine, where workers of executor '${label}' cannot reach it: use an s3: file, or pass the value itself`,
  );
}
