import * as z from 'zod';
import { SluiceError } from '../errors.js';
import type { ServerSecurity } from '../transport/transport.js';

/** How managers are chosen for tasks: a name of one that is built in, or a module that exports a `ManagerSelector`. */
export type SelectorChoice =
  | 'random'
  | 'round-robin'
  | 'block'
  | 'most-free'
  | 'near'
  | { readonly module: string; readonly export: string };

/** What an interchange is started with: one line of JSON on its stdin, since command lines are for all to see. */
export interface InterchangeConfig {
  /** Address to listen at: `0.0.0.0`, `127.0.0.1`, `::`. */
  readonly host: string;
  /** A port, or the first free one of a range; 0 for any. */
  readonly ports: { readonly from: number; readonly to: number };
  /** Another address, for its client and managers on this machine: see `newLocalAddress`. Absent: none. */
  readonly local?: string;
  /** Absent: without encryption. */
  readonly security?: ServerSecurity;
  /** What proves that a client is the one that started this process. */
  readonly token: string;
  readonly heartbeatMs: number;
  /** A manager that is silent for so long is lost. */
  readonly heartbeatThresholdMs: number;
  readonly maxMessageBytes: number;
  /** How long managers of an interchange before this one are waited for. */
  readonly reclaimMs: number;
  readonly selector: SelectorChoice;
}

/** What it answers, one line of JSON on its stdout. */
export type InterchangeAnswer =
  | { readonly port: number }
  | { readonly error: { readonly code: string; readonly message: string } };

export function encodeInterchangeConfig(config: InterchangeConfig): string {
  return `${JSON.stringify(config)}\n`;
}

const positive = z.number().positive();
const port = z.int().min(0).max(65_535);
const schema: z.ZodType<InterchangeConfig> = z.strictObject({
  host: z.string().min(1),
  ports: z.strictObject({ from: port, to: port }),
  local: z.string().exactOptional(),
  security: z
    .strictObject({
      server: z.strictObject({ publicKey: z.string(), secretKey: z.string() }),
      allow: z.array(z.string()),
    })
    .exactOptional(),
  token: z.string().min(1),
  heartbeatMs: positive,
  heartbeatThresholdMs: positive,
  maxMessageBytes: positive,
  reclaimMs: z.number().nonnegative(),
  selector: z.union([
    z.enum(['random', 'round-robin', 'block', 'most-free', 'near']),
    z.strictObject({ module: z.string(), export: z.string() }),
  ]),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming the keys that do not fit, and no value: some are secret */
export function parseInterchangeConfig(line: string): InterchangeConfig {
  const parsed = schema.safeParse(parseJson(line));
  if (parsed.success) return parsed.data;
  throw new SluiceError('INVALID_OPTIONS', `the configuration of an interchange: ${z.prettifyError(parsed.error)}`);
}

/** @throws {SluiceError} what the interchange says it could not start for, or `INTERCHANGE_LOST` for any other text */
export function parseInterchangeAnswer(line: string): { readonly port: number } {
  const answer = parseJson(line) as Partial<{ port: number; error: { code: string; message: string } }> | undefined;
  if (typeof answer?.port === 'number') return { port: answer.port };
  if (answer?.error !== undefined) throw new SluiceError(answer.error.code, answer.error.message);
  throw new SluiceError(
    'INTERCHANGE_LOST',
    `an interchange did not say at which port it listens: ${line.slice(0, 200)}`,
  );
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
