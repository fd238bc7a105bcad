/** How far a transfer is, on a stream. */
export interface TransferProgress {
  /** There is one more file to be moved. */
  readonly found: (bytes: number) => void;
  readonly moved: (bytes: number) => void;
  close(): void;
}

/** A bar on a terminal; elsewhere one line at the end. */
export async function createTransferProgress(stream: NodeJS.WriteStream): Promise<TransferProgress> {
  const startedMs = performance.now();
  const bar = stream.isTTY ? await barOn(stream) : undefined;
  let files = 0;
  let total = 0;
  let done = 0;
  const counted = (): string => `${files} ${files === 1 ? 'file' : 'files'}`;
  const amounts = () => ({ done: inMib(done), total: inMib(total), files: counted() });
  bar?.start(0, 0, amounts());
  return {
    found(bytes) {
      files += 1;
      total += bytes;
      bar?.setTotal(total);
    },
    moved(bytes) {
      done += bytes;
      bar?.update(done, amounts());
    },
    close() {
      bar?.stop();
      if (files === 0) return;
      const seconds = (performance.now() - startedMs) / 1_000;
      const rate = inMib(done / Math.max(seconds, 0.001));
      stream.write(`${counted()}, ${inMib(done)} of ${inMib(total)} MiB in ${seconds.toFixed(1)} s (${rate} MiB/s)\n`);
    },
  };
}

function inMib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

async function barOn(stream: NodeJS.WriteStream) {
  const { default: cliProgress } = await import('cli-progress');
  const format = '{bar} {percentage}% | {done} of {total} MiB | {files} | {eta_formatted}';
  return new cliProgress.SingleBar({ format, stream, hideCursor: true, barsize: 30 }, cliProgress.Presets.shades_grey);
}
