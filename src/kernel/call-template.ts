import { encodeCall } from '../wire/codec.js';
import { DependencyList } from './dependency.js';
import type { Template } from './task-record.js';

/**
 * The arguments of a call in wire form, with a slot for each future among them.
 *
 * @throws {SluiceError} `NOT_SENDABLE`, with the path of what cannot be sent
 */
export function callTemplate(args: readonly unknown[], inputs: readonly unknown[], stdin?: unknown): Template {
  if (args.length === 0 && inputs.length === 0 && stdin === undefined) return NO_ARGUMENTS;
  const list = spare ?? new DependencyList();
  // A getter among the arguments may call an app.
  spare = undefined;
  const { bytes, files } = encodeCall(args, inputs, stdin === undefined ? list : { slotOf: list.slotOf, stdin });
  const { futures } = list;
  if (futures.length === 0) spare = list;
  return {
    bytes,
    files: files.length === 0 ? NOTHING : files,
    dependencies: futures.length === 0 ? NOTHING : futures,
  };
}

/** Has met no future, as in most calls, and so serves the next one too. */
let spare: DependencyList | undefined;

const NOTHING: readonly never[] = [];
/** A call without arguments. */
export const NO_ARGUMENTS: Template = { bytes: encodeCall([], []).bytes, files: NOTHING, dependencies: NOTHING };
