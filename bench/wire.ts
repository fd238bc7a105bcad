import { deserialize, serialize } from 'node:v8';
import { decode, encode } from '../src/wire/codec.js';

/** One way to write a value and to read it again. */
interface Format {
  readonly name: string;
  write(value: unknown): Uint8Array;
  read(bytes: Uint8Array): unknown;
}

const FORMATS: readonly Format[] = [
  { name: 'sluice', write: (value) => encode(value).bytes, read: (bytes) => decode(bytes) },
  { name: 'v8', write: serialize, read: deserialize },
  {
    name: 'json',
    write: (value) => Buffer.from(JSON.stringify(value)),
    read: (bytes) => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()),
  },
];

const flight = (index: number) => ({ delay: index % 90, distance: 100 + index * 7, time: (index * 0.37) % 24 });

/** Values of the shapes that tasks take and return. */
const PAYLOADS: Readonly<Record<string, unknown>> = {
  'small call': [1, 'abc', { a: 1 }],
  'options object': { bucket: 'my-bucket', key: 'flights/part-0007.json', retries: 3, tags: ['a', 'b'], dry: false },
  '1,000 records': Array.from({ length: 1000 }, (_, index) => flight(index)),
  '10,000 numbers': Array.from({ length: 10_000 }, (_, index) => index * 0.5),
  'ASCII, 100 kB': 'the quick brown fox '.repeat(5000),
  'UTF-8, 100 kB': 'Grüße aus Köln, 東京 '.repeat(4000),
  'nested, depth 50': nested(50),
};

function nested(depth: number): unknown {
  return depth === 0 ? 'leaf' : { depth, child: nested(depth - 1), list: [depth] };
}

const ROUNDS = 5;
const ROUND_MS = 120;

/** Median over rounds of the operations a second. */
function rate(operation: () => unknown): number {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rates.push(measure(operation));
  return rates.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] as number;
}

function measure(operation: () => unknown): number {
  const started = performance.now();
  let count = 0;
  let elapsed = 0;
  for (let batch = 1; elapsed < ROUND_MS; batch = Math.min(batch * 2, 1000)) {
    for (let index = 0; index < batch; index++) operation();
    count += batch;
    elapsed = performance.now() - started;
  }
  return (count / elapsed) * 1000;
}

function report(payload: string, value: unknown): void {
  for (const format of FORMATS) {
    const bytes = format.write(value);
    const write = rate(() => format.write(value));
    const read = rate(() => format.read(bytes));
    console.log(
      [payload.padEnd(17), format.name.padEnd(7), figures('write', write, bytes), figures('read', read, bytes)].join(
        ' ',
      ),
    );
  }
}

function figures(what: string, perSecond: number, bytes: Uint8Array): string {
  const megabytes = (perSecond * bytes.length) / 1e6;
  return `${what} ${Math.round(perSecond).toLocaleString('en').padStart(10)} op/s ${megabytes.toFixed(0).padStart(6)} MB/s `;
}

console.log(`Node ${process.version}; medians of ${ROUNDS} rounds of ${ROUND_MS} ms; sizes by each format's own bytes`);
for (const [payload, value] of Object.entries(PAYLOADS)) report(payload, value);
