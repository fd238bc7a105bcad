import { SluiceError } from '../errors.js';
import { type DecodeOptions, Decoder } from './codec/decoder.js';
import { Encoder, type SlotOf } from './codec/encoder.js';
import { isStackOverflow } from './codec/stack-overflow.js';
import type { CallArguments } from './task-envelope.js';

export type { DecodeOptions } from './codec/decoder.js';
export type { SlotOf } from './codec/encoder.js';

/** How a value is written. */
export interface EncodeOptions {
  /** Names the value in errors: `the result`, `argument 0`. Default: `the value`. */
  readonly root?: string;
  /** Asked first about every object with a `then`. Default: such objects are refused. */
  readonly slotOf?: SlotOf;
}

/** A value in wire form, in memory of its own that may be transferred to another thread. */
export interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** URL of every DataFile in it, each once, in order. */
  readonly files: string[];
}

/**
 * Writes a value as a message: one byte with the wire version, then msgpack
 * (https://github.com/msgpack/msgpack/blob/master/spec.md).
 *
 * It carries what structured clone carries, and DataFile as its URL, with these differences: instances of classes are
 * refused instead of losing their methods; an object that stands in two places arrives as two; circular references,
 * named properties of arrays and boxed primitives do not travel; a Buffer arrives as a Uint8Array.
 *
 * @throws {SluiceError} `NOT_SENDABLE`, with the path of what cannot be sent, and what to do.
 */
export function encode(value: unknown, options: EncodeOptions = {}): Encoded {
  const encoder = begin(options.slotOf);
  try {
    encoder.writeRoot(value, options.root ?? 'the value');
    return encoder.finish();
  } finally {
    idle = encoder;
  }
}

/** Reads a message of {@link encode}. @throws {SluiceError} `PROTOCOL`, naming the offset of what is not understood. */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): unknown {
  const decoder = new Decoder(bytes, options);
  try {
    return decoder.message();
  } catch (error) {
    if (isStackOverflow(error)) throw decoder.in.malformed('nests deeper than the stack here', error);
    throw error;
  }
}

/** Writes {@link CallArguments}; errors read `argument 0 .client: …` and `input 1: …`. @throws as {@link encode} does. */
export function encodeCall(
  args: readonly unknown[],
  inputs: readonly unknown[],
  { slotOf, stdin }: { readonly slotOf?: SlotOf; readonly stdin?: unknown } = {},
): Encoded {
  const encoder = begin(slotOf);
  try {
    encoder.out.arrayHeader(stdin === undefined ? 2 : 3);
    writeList(encoder, 'argument', args);
    writeList(encoder, 'input', inputs);
    if (stdin !== undefined) encoder.writeRoot(stdin, 'stdin');
    return encoder.finish();
  } finally {
    idle = encoder;
  }
}

/** Reads a message of {@link encodeCall}. @throws as {@link decode} does. */
export function decodeCall(bytes: Uint8Array, options: DecodeOptions = {}): CallArguments {
  const call = decode(bytes, options);
  if (Array.isArray(call) && (call.length === 2 || call.length === 3)) {
    const [args, inputs, stdin]: unknown[] = call;
    if (Array.isArray(args) && Array.isArray(inputs))
      return stdin === undefined ? { args, inputs } : { args, inputs, stdin };
  }
  throw new SluiceError('PROTOCOL', 'a message that cannot be read: it should hold the arguments of a call');
}

function writeList(encoder: Encoder, name: string, values: readonly unknown[]): void {
  encoder.out.arrayHeader(values.length);
  for (let index = 0; index < values.length; index++) encoder.writeRoot(values[index], `${name} ${index}`);
}

/** Kept between messages, for its buffer; absent while a message is being written, since getters may write another. */
let idle: Encoder | undefined;

function begin(slotOf: SlotOf | undefined): Encoder {
  const encoder = idle ?? new Encoder();
  idle = undefined;
  encoder.begin(slotOf);
  return encoder;
}
