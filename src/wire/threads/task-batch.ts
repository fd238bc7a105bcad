import { decode, encode } from '../codec.js';
import type { EncodedValue } from '../encoded-value.js';
import { type AppCode, type TaskEnvelope, WIRE_VERSION } from '../task-envelope.js';

/** A task by position: names would cost more than what they name. `rest`: the fields that most tasks do not have. */
type Row = [
  taskId: number,
  attempt: number,
  app: number,
  call: Uint8Array,
  slots: readonly EncodedValue[],
  files: readonly string[],
  outputs: readonly string[],
  rest?: Partial<TaskEnvelope>,
];
type Batch = [runId: string, apps: readonly NumberedCode[], tasks: readonly Row[]];
/** Numbers are the client's: two apps may have one source, and so one hash. */
type NumberedCode = [number: number, code: Uint8Array];

type RareField = { [K in keyof TaskEnvelope]-?: undefined extends TaskEnvelope[K] ? K : never }[keyof TaskEnvelope];
/** Checked one by one: a list of an envelope's keys is as much as its row. */
const RARE_FIELDS = Object.keys({
  stdout: 0,
  stderr: 0,
  appends: 0,
  relayed: 0,
  copies: 0,
  aliases: 0,
  walltimeMs: 0,
  resources: 0,
  priority: 0,
  cache: 0,
  storage: 0,
} satisfies Record<RareField, 0>) as readonly RareField[];

/** Writes the envelopes of one run as one message; the code of each app is in it once. */
export function encodeBatch(envelopes: readonly TaskEnvelope[]): Uint8Array {
  const apps = new Map<AppCode, number>();
  const tasks = envelopes.map((envelope): Row => {
    const { taskId, attempt, app, call, slots, files, outputs } = envelope;
    const index = apps.get(app) ?? apps.size;
    apps.set(app, index);
    const row: Row = [taskId, attempt, index, call, slots, files, outputs];
    if (RARE_FIELDS.some((field) => envelope[field] !== undefined)) row.push(restOf(envelope));
    return row;
  });
  const batch: Batch = [envelopes[0]?.runId ?? '', [...apps.keys()].map(numberedCode), tasks];
  return encode(batch).bytes;
}

/** Reads batches on a thread, which keeps the code of every app it has met. */
export function createBatchReader(): (bytes: Uint8Array) => TaskEnvelope[] {
  const known = new Map<number, AppCode>();
  const codeOf = ([number, code]: NumberedCode): AppCode => {
    const app = known.get(number) ?? (decode(code) as AppCode);
    known.set(number, app);
    return app;
  };
  return (bytes) => {
    const [runId, codes, tasks] = decode(bytes) as Batch;
    const apps = codes.map(codeOf);
    return tasks.map(([taskId, attempt, index, call, slots, files, outputs, rest]) => {
      const app = apps[index] as AppCode;
      const envelope = { version: WIRE_VERSION, runId, taskId, attempt, app, call, slots, files, outputs } as const;
      return rest === undefined ? envelope : { ...envelope, ...rest };
    });
  };
}

const numbered = new WeakMap<AppCode, NumberedCode>();
let lastNumber = 0;

function numberedCode(app: AppCode): NumberedCode {
  const known = numbered.get(app);
  if (known !== undefined) return known;
  lastNumber += 1;
  const fresh: NumberedCode = [lastNumber, encode(app).bytes];
  numbered.set(app, fresh);
  return fresh;
}

function restOf(envelope: TaskEnvelope): Partial<TaskEnvelope> {
  const { version, runId, taskId, attempt, app, call, slots, files, outputs, ...rest } = envelope;
  return rest;
}
