import { encodeCall } from '../wire/codec.js';
import { DependencyList } from './dependency.js';
import type { Template } from './task-record.js';

/**
 * The arguments of a call in wire form, with a slot for each future among them.
 *
 * @throws {SluiceError} `NOT_SENDABLE`, with the path of what cannot be sent
 */
export function callTemplate(args: readonly unknown[], inputs: readonly unknown[]): Template {
  if (args.length === 0 && inputs.length === 0) return NO_ARGUMENTS;
  const list = new DependencyList();
  const { bytes, files } = encodeCall(args, inputs, list.slotOf);
  return { bytes, files: files.length === 0 ? NOTHING : files, dependencies: list.futures };
}

const NOTHING: readonly never[] = [];
/** A call without arguments. */
export const NO_ARGUMENTS: Template = { bytes: encodeCall([], []).bytes, files: NOTHING, dependencies: NOTHING };
