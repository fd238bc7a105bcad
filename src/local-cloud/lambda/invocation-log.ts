const TAIL_BYTES = 4096;

/** What the REPORT line of an invocation says (AWS Lambda Developer Guide, Node.js, "Logging"). */
export interface InvocationReport {
  readonly requestId: string;
  readonly durationMs: number;
  /** Present for the first invocation of an environment. */
  readonly initMs: number | undefined;
  readonly memoryMb: number;
  readonly maxMemoryMb: number;
  /** Why it did not end by itself: `timeout`, or the type of the error. */
  readonly status:
    | { readonly kind: 'ok' }
    | { readonly kind: 'timeout' }
    | { readonly kind: 'error'; readonly type: string };
}

/** The end of what one environment writes: the last 4 KB, as `LogType: Tail` returns them. */
export class InvocationLog {
  #chunks: Buffer[] = [];
  #bytes = 0;

  write(chunk: Buffer | string): void {
    const bytes = Buffer.from(chunk);
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    // Joined now and then only, so that a chatty function costs no copy of the tail per line.
    if (this.#bytes > 16 * TAIL_BYTES) this.#chunks = [this.tail()];
    if (this.#chunks.length === 1) this.#bytes = this.#chunks[0]?.length ?? 0;
  }

  start(requestId: string): void {
    this.write(`START RequestId: ${requestId} Version: $LATEST\n`);
  }

  report(report: InvocationReport): void {
    this.write(`END RequestId: ${report.requestId}\n${reportLine(report)}\n`);
  }

  tail(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-TAIL_BYTES);
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
  }
}

/** Since August 2025 the init phase is billed like the rest (AWS Compute Blog, "AWS Lambda standardizes billing for INIT Phase"). */
function reportLine({ requestId, durationMs, initMs, memoryMb, maxMemoryMb, status }: InvocationReport): string {
  const fields = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs + (initMs ?? 0))} ms`,
    `Memory Size: ${memoryMb} MB`,
    `Max Memory Used: ${maxMemoryMb} MB`,
  ];
  if (initMs !== undefined) fields.push(`Init Duration: ${initMs.toFixed(2)} ms`);
  if (status.kind !== 'ok') fields.push(`Status: ${status.kind}`);
  if (status.kind === 'error') fields.push(`Error Type: ${status.type}`);
  return `${fields.join('\t')}\t`;
}
