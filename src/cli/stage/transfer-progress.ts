import cliProgress from 'cli-progress';

/** How far a transfer is, on a stream. */
export interface TransferProgress {
  readonly moved: (bytes: number) => void;
  close(): void;
}

const MIB = 1024 * 1024;

/** A bar on a terminal; elsewhere one line at the end. */
export function createTransferProgress(
  stream: NodeJS.WriteStream,
  { files, bytes }: { readonly files: number; readonly bytes: number },
): TransferProgress {
  const startedMs = performance.now();
  const total = (bytes / MIB).toFixed(1);
  const bar = stream.isTTY ? barOf(stream, { files, total }) : undefined;
  let done = 0;
  bar?.start(bytes, 0, { done: '0.0' });
  return {
    moved(more) {
      done += more;
      bar?.update(done, { done: (done / MIB).toFixed(1) });
    },
    close() {
      bar?.stop();
      const seconds = (performance.now() - startedMs) / 1_000;
      const rate = (done / MIB / Math.max(seconds, 0.001)).toFixed(1);
      stream.write(
        `${files} ${files === 1 ? 'file' : 'files'}, ${(done / MIB).toFixed(1)} of ${total} MiB in ${seconds.toFixed(1)} s (${rate} MiB/s)\n`,
      );
    },
  };
}

function barOf(stream: NodeJS.WriteStream, { files, total }: { readonly files: number; readonly total: string }) {
  const format = `{bar} {percentage}% | {done} of ${total} MiB | ${files} ${files === 1 ? 'file' : 'files'} | {eta_formatted}`;
  return new cliProgress.SingleBar({ format, stream, hideCursor: true, barsize: 30 }, cliProgress.Presets.shades_grey);
}
