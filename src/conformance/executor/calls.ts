import { DataFile } from '../../data/data-file.js';
import { captureFunction } from '../../wire/code-shipping/capture.js';
import { encode, encodeCall } from '../../wire/codec.js';
import type { EncodedValue } from '../../wire/encoded-value.js';
import { type OutputForm, type TaskEnvelope, WIRE_VERSION } from '../../wire/task-envelope.js';

/** How a call of the suite differs from a plain one. */
export interface CallOptions {
  readonly kind?: 'function' | 'bash';
  /** What a command reads from standard input, and what of its output is its value. */
  readonly stdin?: unknown;
  readonly returns?: OutputForm;
  /** Values for the slots that {@link SlotMarker}s among the arguments stand for. */
  readonly slots?: readonly unknown[];
  readonly outputs?: readonly string[];
  readonly walltimeMs?: number;
}

/** Stands for slot `index` in the arguments of a call, as a future would. */
export class SlotMarker {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }

  // biome-ignore lint/suspicious/noThenProperty: the codec asks thenables for their slot
  then(): never {
    throw new Error('a slot marker is never awaited');
  }
}

let lastTaskId = 0;

/** The envelope of one call, as the kernel would make it. */
export function callOf(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  options: CallOptions = {},
): TaskEnvelope {
  const kind = options.kind ?? 'function';
  const { parameterCount, ...code } = captureFunction(fn, { kind });
  const { bytes, files } = encodeCall(args, [], {
    stdin: options.stdin,
    slotOf: (value) => (value instanceof SlotMarker ? value.index : undefined),
  });
  const slots = (options.slots ?? []).map((value): EncodedValue => ({ kind: 'inline', ...encode(value) }));
  const io = kind === 'bash';
  lastTaskId += 1;
  return {
    version: WIRE_VERSION,
    runId: 'conformance',
    taskId: lastTaskId,
    attempt: 1,
    app: {
      ...code,
      kind,
      ...(options.returns !== undefined && { returns: options.returns }),
      io,
      arity: io ? parameterCount - 1 : parameterCount,
    },
    call: bytes,
    slots,
    files: [...new Set([...files, ...slots.flatMap((slot) => slot.files)])],
    outputs: (options.outputs ?? []).map((url) => new DataFile(url).url),
    ...(options.walltimeMs !== undefined && { walltimeMs: options.walltimeMs }),
  };
}
