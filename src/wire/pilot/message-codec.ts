import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { parseOptions } from '../../parse-options.js';
import { decode, encode } from '../codec.js';
import type {
  ClientMessage,
  Command,
  InterchangeMessage,
  ManagerMessage,
  ManagerOrder,
  PilotMessage,
} from './messages.js';
import { PARCEL, packResults, packTasks, parcelKindOf, unpackResults, unpackTasks } from './parcel.js';

/** A message as frames: what it is, then the bulk of those that have one, uncopied. */
export function encodeMessage(message: PilotMessage): Uint8Array[] {
  switch (message.kind) {
    case 'tasks':
      return packTasks('again' in message && message.again ? PARCEL.again : PARCEL.tasks, message.tasks);
    case 'returned':
      return packTasks(PARCEL.returned, message.tasks);
    case 'results':
      return packResults(message.results);
    case 'code': {
      const { bytes, ...head } = message;
      return [encode(head).bytes, bytes];
    }
    default:
      return [encode(message).bytes];
  }
}

/** Each of these reads one direction's messages. @throws {SluiceError} `PROTOCOL` for anything else */
export const parseClientMessage: (frames: readonly Uint8Array[]) => ClientMessage = parser(() => clientSchema);
export const parseInterchangeMessage: (frames: readonly Uint8Array[]) => InterchangeMessage = parser(
  () => interchangeSchema,
);
export const parseManagerMessage: (frames: readonly Uint8Array[]) => ManagerMessage = parser(() => managerSchema);
export const parseManagerOrder: (frames: readonly Uint8Array[]) => ManagerOrder = parser(() => orderSchema);

/** @throws {SluiceError} `INVALID_OPTIONS` for a command there is none of */
export function parseCommand(value: unknown): Command {
  return parseOptions(command, value, 'a command to an interchange') as Command;
}

// Tasks and results are many, and their own readers check them; all else is rare, and held to its schema.
function parser<M extends PilotMessage>(schemaOf: () => z.ZodType): (frames: readonly Uint8Array[]) => M {
  return (frames) => {
    const [head, bulk] = frames;
    switch (parcelKindOf(head)) {
      case PARCEL.tasks:
        return { kind: 'tasks', again: false, tasks: unpackTasks(frames).tasks } as PilotMessage as M;
      case PARCEL.again:
        return { kind: 'tasks', again: true, tasks: unpackTasks(frames).tasks } as PilotMessage as M;
      case PARCEL.returned:
        return { kind: 'returned', tasks: unpackTasks(frames).tasks } as PilotMessage as M;
      case PARCEL.results:
        return { kind: 'results', results: unpackResults(frames).results } as PilotMessage as M;
    }
    const message = head === undefined ? undefined : (decode(head) as { kind?: unknown } | null);
    return checked<M>(schemaOf(), message?.kind === 'code' ? { ...message, bytes: bulk } : message);
  };
}

function checked<M>(schema: z.ZodType, message: unknown): M {
  const parsed = schema.safeParse(message);
  if (parsed.success) return parsed.data as M;
  throw new SluiceError('PROTOCOL', `a message that is not understood: ${z.prettifyError(parsed.error)}`);
}

const text = z.string().max(64 * 1024);
const amount = z.number().nonnegative();
const kept = z.strictObject({ files: amount, bytes: amount });
const share = z.strictObject({ cores: amount, memoryMiB: amount.exactOptional(), accelerators: amount });
const node = {
  id: text,
  blockId: text,
  host: text,
  pid: z.int(),
  sluice: text,
  node: text,
  packages: z.record(text, text),
  slots: z.int().nonnegative(),
  share,
  prefetch: z.int().nonnegative(),
  cores: amount,
  memoryMiB: amount,
  accelerators: amount,
  remainingMs: z.number().exactOptional(),
  peer: text.exactOptional(),
  kept: kept.exactOptional(),
};
const registration = z.strictObject({ ...node, holding: z.array(z.int()) });
const info = z.strictObject({
  ...node,
  state: z.enum(['ready', 'held', 'draining', 'drained']),
  usedSlots: amount,
  outstanding: amount,
  connectedForMs: z.number(),
  silentForMs: z.number(),
  idleForMs: z.number(),
});
const target = z.union([z.strictObject({ manager: text }), z.strictObject({ block: text })]);
const command = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('managers') }),
  z.strictObject({ name: z.literal('hold'), target }),
  z.strictObject({ name: z.literal('release'), target }),
  z.strictObject({ name: z.literal('drain'), target }),
]);
const code = z.strictObject({ kind: z.literal('code'), code: z.int(), bytes: z.instanceof(Uint8Array) });
const cancel = z.strictObject({ kind: z.literal('cancel'), keys: z.array(z.int()) });
const bare = <K extends string>(kind: K) => z.strictObject({ kind: z.literal(kind) });
const because = <K extends string>(kind: K) => z.strictObject({ kind: z.literal(kind), reason: text });

const clientSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hello'), sluice: text, token: text, known: z.array(text) }),
  code,
  cancel,
  z.strictObject({ kind: z.literal('command'), id: z.int(), command }),
  z.strictObject({ kind: z.literal('drop'), manager: text, paths: z.array(text) }),
  bare('close'),
]);

const interchangeSchema = z.discriminatedUnion('kind', [
  bare('welcome'),
  z.strictObject({ kind: z.literal('managers'), managers: z.array(info) }),
  z.strictObject({ kind: z.literal('managerLost'), id: text, blockId: text, reason: text }),
  z.strictObject({ kind: z.literal('managerRefused'), blockId: text, host: text, reason: text }),
  z.strictObject({ kind: z.literal('reply'), id: z.int(), managers: z.array(info) }),
]);

const managerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('register'), manager: registration }),
  z.strictObject({ kind: z.literal('prefetch'), tasks: z.int().nonnegative() }),
  z.strictObject({ kind: z.literal('kept'), kept }),
  because('draining'),
  because('bye'),
]);

const orderSchema = z.discriminatedUnion('kind', [
  bare('welcome'),
  because('refused'),
  bare('who'),
  code,
  cancel,
  z.strictObject({ kind: z.literal('drop'), paths: z.array(text) }),
  bare('drain'),
  bare('drained'),
  because('stop'),
]);
