import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What becomes of an answer that the service gives. */
export type AnswerFault =
  /** It is thrown away, and `answer` called in its place. */
  | { readonly kind: 'replace'; readonly answer: () => void }
  | { readonly kind: 'slow'; readonly latencyMs?: number; readonly bytesPerSecond?: number }
  | { readonly kind: 'cut'; readonly where: 'answer' | 'body' };

/** Where a service's answer ends up, part by part; each is called in turn. */
interface AnswerSink {
  head(write: () => void): void;
  /** `total` of the whole body, as far as the head told it. */
  body(chunk: Buffer, total: number | undefined): Promise<void> | void;
  end(): void;
}

/** Lets the service answer as it does, and has `fault` happen to what it answers. Called before it begins. */
export function spoilAnswer(response: ServerResponse, fault: AnswerFault): void {
  const own = {
    writeHead: response.writeHead.bind(response),
    write: response.write.bind(response),
    end: response.end.bind(response),
    emit: response.emit.bind(response),
  } as OwnMethods;
  const restore = (): void => void Object.assign(response, own);
  intercept(response, sinkOf(fault, response, own, restore), own);
}

interface OwnMethods {
  readonly writeHead: (...args: unknown[]) => unknown;
  readonly write: (chunk: Buffer, done?: () => void) => boolean;
  readonly end: () => unknown;
  readonly emit: (event: string | symbol, ...args: unknown[]) => boolean;
}

function sinkOf(fault: AnswerFault, response: ServerResponse, own: OwnMethods, restore: () => void): AnswerSink {
  switch (fault.kind) {
    case 'replace':
      return replacing(fault.answer, restore);
    case 'slow':
      return slowed(fault, response, own);
    case 'cut':
      return fault.where === 'answer' ? unanswered(response) : brokenOff(response, own);
  }
}

function replacing(answer: () => void, restore: () => void): AnswerSink {
  return {
    head: ignore,
    body: ignore,
    end() {
      restore();
      answer();
    },
  };
}

function unanswered(response: ServerResponse): AnswerSink {
  const cut = (): void => void response.socket?.resetAndDestroy();
  return { head: cut, body: ignore, end: cut };
}

function brokenOff(response: ServerResponse, own: OwnMethods): AnswerSink {
  // Ended and not reset: a reset may take away from the client what it has not read yet.
  const cut = (): void => void response.socket?.destroy();
  let sent = 0;
  return {
    head: (write) => write(),
    body(chunk, total = chunk.length) {
      const rest = Math.floor(total / 2) - sent;
      sent += chunk.length;
      if (chunk.length < rest) return void own.write(chunk);
      if (rest <= 0) return cut();
      return new Promise((resolve) => {
        response.once('close', resolve);
        own.write(chunk.subarray(0, rest), cut);
      });
    },
    // What was sent cuts when it is out.
    end: () => void (sent === 0 && cut()),
  };
}

const SLICES_PER_SECOND = 20;

function slowed(
  { latencyMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY }: { latencyMs?: number; bytesPerSecond?: number },
  response: ServerResponse,
  own: OwnMethods,
): AnswerSink {
  const slice = Math.max(1, Math.floor(bytesPerSecond / SLICES_PER_SECOND));
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false });
  let before: Promise<void> = pause(latencyMs);
  // One after the other, and nothing more once the client has gone.
  const then = (step: () => Promise<void> | void): Promise<void> => {
    before = before.then(() => (response.destroyed ? undefined : step()));
    return before;
  };
  return {
    head: (write) => void then(write),
    body: (chunk) =>
      then(async () => {
        for (let at = 0; at < chunk.length && !response.destroyed; at += slice) {
          const piece = chunk.subarray(at, at + slice);
          own.write(piece);
          await pause((piece.length / bytesPerSecond) * 1000);
        }
      }),
    end: () => void then(() => void own.end()),
  };
}

/** Hands what is written to the response to the sink instead. A body that is written piece by piece waits for it. */
function intercept(response: ServerResponse, sink: AnswerSink, own: OwnMethods): void {
  let total: number | undefined;
  let ended = false;
  const writeHead = (...args: unknown[]): ServerResponse => {
    total = lengthIn(args.at(-1)) ?? total;
    sink.head(() => void own.writeHead(...args));
    return response;
  };
  const write = (chunk: string | Uint8Array): boolean => {
    const written = sink.body(Buffer.from(chunk as Uint8Array), total);
    if (written === undefined) return true;
    // Who pipes into the response takes a drain after its end for the end of all.
    void written.then(() => ended || own.emit('drain'));
    return false;
  };
  const end = (chunk?: string | Uint8Array | null): ServerResponse => {
    if (chunk != null && typeof chunk !== 'function' && chunk.length > 0) void write(chunk);
    ended = true;
    sink.end();
    return response;
  };
  // Its own drains speak of pieces that the writer knows nothing of.
  const emit: OwnMethods['emit'] = (event, ...args) => event !== 'drain' && own.emit(event, ...args);
  Object.assign(response, { writeHead, write, end, emit });
}

function lengthIn(headers: unknown): number | undefined {
  const given = headers as OutgoingHttpHeaders | OutgoingHttpHeader | undefined;
  if (typeof given !== 'object' || Array.isArray(given)) return undefined;
  const length = Number(given['content-length']);
  return Number.isNaN(length) ? undefined : length;
}

function ignore(): void {}
