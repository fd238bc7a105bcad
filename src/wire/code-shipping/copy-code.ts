import type { AppCode } from '../task-envelope.js';
import { captureFunction } from './capture.js';

/** Whether a task brings an input, or puts an output. */
export type StagingName = 'stage-in' | 'stage-out';

const made = new Map<StagingName, AppCode>();

/** The app that copies its first argument, a file or a folder, to its output: what stages its files does the rest. */
export function copyCode(name: StagingName): AppCode {
  const code = made.get(name) ?? capture(name);
  made.set(name, code);
  return code;
}

function capture(name: StagingName): AppCode {
  const { source, hash } = captureFunction(copy, { kind: 'function', name });
  return { name, kind: 'function', source, hash, io: true, arity: 1, definedIn: '' };
}

interface LocalCopy {
  readonly path: string;
}

// Ships: it may use its parameters only. COPYFILE_FICLONE is 2: a clone where the file system can make one.
async function copy(from: LocalCopy, io: { readonly outputs: readonly LocalCopy[] }): Promise<void> {
  const { cp } = await import('node:fs/promises');
  await cp(from.path, io.outputs[0]?.path as string, { recursive: true, mode: 2 });
}
