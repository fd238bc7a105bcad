import { types } from 'node:util';
import { DataFile } from '../../data/data-file.js';
import type { Encoder } from './encoder.js';
import { ErrorRecord, recordOf } from './error-record.js';
import { ALIGNMENT, ARRAY_BUFFER_KIND, EXTENSION, VIEW_KINDS } from './format.js';

/** Writes one value of the kind it was found for. */
type Writer = (encoder: Encoder, value: never) => void;

/**
 * The writer for a value of the given prototype; `undefined` when there is none, because it is an instance of a class
 * of its own. Built-in values of another realm (a `vm` context) are found by what they are.
 */
export function writerOf(prototype: object, value: unknown): ((encoder: Encoder, value: unknown) => void) | undefined {
  const writer = WRITERS.get(prototype) ?? findWriter(prototype, value);
  return writer as ((encoder: Encoder, value: unknown) => void) | undefined;
}

const WRITERS: ReadonlyMap<object, Writer> = new Map<object, Writer>([
  [Array.prototype, (encoder, value: unknown[]) => encoder.within(value, writeSparseArray)],
  [Map.prototype, (encoder, value: Map<unknown, unknown>) => encoder.within(value, writeMap)],
  [Set.prototype, (encoder, value: Set<unknown>) => encoder.within(value, writeSet)],
  [Date.prototype, (encoder, value: Date) => encoder.out.extension8(EXTENSION.date, value.getTime())],
  [RegExp.prototype, writeRegExp],
  [URL.prototype, (encoder, value: URL) => writeText(encoder, EXTENSION.url, value.href)],
  [DataFile.prototype, writeFile],
  [ErrorRecord.prototype, (encoder, value: ErrorRecord) => encoder.within(value, writeRecord)],
  [Uint8Array.prototype, writeBytes],
  [Buffer.prototype, writeBytes],
  [ArrayBuffer.prototype, binaryWriter(ARRAY_BUFFER_KIND)],
  ...[...VIEW_KINDS].map(([kind, { prototype }]): [object, Writer] => [prototype, binaryWriter(kind)]),
]);

const BY_NAME: ReadonlyMap<string, Writer> = new Map(
  [...WRITERS].map(([key, writer]) => [key.constructor.name, writer]),
);

function findWriter(prototype: object, value: unknown): Writer | undefined {
  if (value instanceof Error || types.isNativeError(value)) return writeError;
  if (value instanceof DataFile) return writeFile;
  const name = prototype.constructor?.name;
  return `[object ${name}]` === Object.prototype.toString.call(value) ? BY_NAME.get(name) : undefined;
}

/** A bigint of any size. */
export function writeBigint({ out }: Encoder, value: bigint): void {
  const hex = (value < 0n ? -value : value).toString(16);
  const mark = out.beginExtension(EXTENSION.bigint);
  out.byte(value < 0n ? 1 : 0);
  out.raw(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
  out.endExtension(mark);
}

function writeText({ out }: Encoder, type: number, text: string): void {
  const mark = out.beginExtension(type);
  out.string(text);
  out.endExtension(mark);
}

function writeFile(encoder: Encoder, file: DataFile): void {
  writeText(encoder, EXTENSION.file, file.url);
  encoder.addFile(file.url);
}

function writeRegExp({ out }: Encoder, { source, flags }: RegExp): void {
  const mark = out.beginExtension(EXTENSION.regexp);
  out.string(source);
  out.string(flags);
  out.endExtension(mark);
}

function writeMap(encoder: Encoder, map: Map<unknown, unknown>): void {
  const { size } = map;
  const mark = encoder.out.beginExtension(EXTENSION.map);
  encoder.out.mapHeader(size);
  let step = 0;
  for (const [key, value] of map) {
    encoder.writeAt(step++, key);
    encoder.writeAt(step++, value);
  }
  if (step !== size * 2) throw encoder.containerRefusal(changed('Map'));
  encoder.out.endExtension(mark);
}

function writeSet(encoder: Encoder, set: Set<unknown>): void {
  const { size } = set;
  const mark = encoder.out.beginExtension(EXTENSION.set);
  encoder.out.arrayHeader(size);
  let step = 0;
  for (const item of set) encoder.writeAt(step++, item);
  if (step !== size) throw encoder.containerRefusal(changed('Set'));
  encoder.out.endExtension(mark);
}

function changed(kind: string): string {
  return `a ${kind} that a getter inside it changes cannot be sent: copy it first`;
}

function writeSparseArray(encoder: Encoder, array: readonly unknown[]): void {
  const indices = Object.keys(array).map(Number).filter(isIndex);
  const mark = encoder.out.beginExtension(EXTENSION.sparse);
  encoder.out.number(array.length);
  encoder.out.mapHeader(indices.length);
  for (const index of indices) {
    encoder.out.number(index);
    encoder.writeAt(index, array[index]);
  }
  encoder.out.endExtension(mark);
}

/** Named properties of an array do not travel. */
function isIndex(key: number): boolean {
  return Number.isInteger(key) && key >= 0 && key < 2 ** 32 - 1;
}

function writeBytes(encoder: Encoder, value: Uint8Array): void {
  refuseShared(encoder, value.buffer);
  encoder.out.binary(value);
}

function binaryWriter(kind: number): Writer {
  return (encoder, value: ArrayBuffer | ArrayBufferView) => {
    const view = ArrayBuffer.isView(value) ? value : new Uint8Array(value);
    refuseShared(encoder, view.buffer);
    const { out } = encoder;
    const mark = out.beginExtension(EXTENSION.binary);
    out.byte(kind);
    const padding = (ALIGNMENT - ((out.length + 1) % ALIGNMENT)) % ALIGNMENT;
    out.byte(padding);
    for (let index = 0; index < padding; index++) out.byte(0);
    out.raw(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    out.endExtension(mark);
  };
}

function refuseShared(encoder: Encoder, memory: ArrayBufferLike): void {
  if (types.isSharedArrayBuffer(memory)) throw encoder.refusal(memory);
}

function writeError(encoder: Encoder, error: Error): void {
  encoder.within(error, (_, container) => writeRecord(encoder, recordOf(container)));
}

function writeRecord(encoder: Encoder, record: ErrorRecord): void {
  const { out } = encoder;
  const mark = out.beginExtension(EXTENSION.error);
  out.arrayHeader(ErrorRecord.LENGTH);
  out.string(record.kind);
  encoder.write(record.exact);
  out.string(record.name);
  out.string(record.message);
  out.string(record.stack);
  out.mapHeader(record.fields.length);
  for (const [name, value] of record.fields) {
    out.string(name);
    encoder.writeAt(name, value);
  }
  out.arrayHeader(record.cause.length);
  for (const cause of record.cause) encoder.writeAt('cause', cause);
  encoder.writeAt('errors', record.errors);
  out.endExtension(mark);
}
