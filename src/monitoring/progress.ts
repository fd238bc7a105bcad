import cliProgress from 'cli-progress';
import type { Monitor, RunEvent } from './event.js';

const PLAIN_LINE_EVERY_MS = 1_000;

interface AppCount {
  total: number;
  done: number;
  failed: number;
}

/** What the display needs of a stream. */
export type ProgressStream = NodeJS.WriteStream | (NodeJS.WritableStream & { isTTY?: boolean });

/** Shows how far each app's tasks are: bars on a terminal, plain lines at most once a second elsewhere. */
export function createProgress(stream: ProgressStream): Monitor {
  const counts = new Map<string, AppCount>();
  const display = stream.isTTY === true ? createBars(stream) : createLines(stream);
  return {
    record(event) {
      const app = count(counts, event);
      if (app !== undefined) display.update(app, counts);
    },
    async close() {
      display.close(counts);
    },
  };
}

interface Display {
  update(app: string, counts: ReadonlyMap<string, AppCount>): void;
  close(counts: ReadonlyMap<string, AppCount>): void;
}

// Answers with the app whose count has changed.
function count(counts: Map<string, AppCount>, event: RunEvent): string | undefined {
  const known = counts.get(event.app) ?? { total: 0, done: 0, failed: 0 };
  counts.set(event.app, known);
  if (event.kind === 'taskCreated') known.total += 1;
  else if (event.kind !== 'taskStatus') return undefined;
  else if (event.status === 'done') known.done += 1;
  else if (event.status === 'failed' || event.status === 'cancelled') known.failed += 1;
  else return undefined;
  return event.app;
}

function createBars(stream: ProgressStream): Display {
  const format = '{app} {bar} {value}/{total}{note}  {duration_formatted}';
  const bars = new cliProgress.MultiBar(
    { format, stream: stream as NodeJS.WriteStream, hideCursor: true, barsize: 30, etaBuffer: 1 },
    cliProgress.Presets.shades_grey,
  );
  const byApp = new Map<string, cliProgress.SingleBar>();
  return {
    update(app, counts) {
      const { total, done, failed } = counts.get(app) as AppCount;
      const width = Math.max(...[...counts.keys()].map((name) => name.length));
      const bar = byApp.get(app) ?? bars.create(total, 0, { app, note: '' });
      byApp.set(app, bar);
      bar.setTotal(total);
      bar.update(done + failed, { app: app.padEnd(width), note: failed === 0 ? '' : ` (${failed} failed)` });
    },
    close: () => bars.stop(),
  };
}

function createLines(stream: ProgressStream): Display {
  const startedMs = Date.now();
  let timer: NodeJS.Timeout | undefined;
  let last = '';
  const write = (counts: ReadonlyMap<string, AppCount>): void => {
    timer = undefined;
    const line = [...counts]
      .map(([app, { total, done, failed }]) => `${app} ${done}/${total}${failed === 0 ? '' : ` (${failed} failed)`}`)
      .join('  ');
    if (line === last || line === '') return;
    last = line;
    stream.write(`[${((Date.now() - startedMs) / 1000).toFixed(1).padStart(5)} s] ${line}\n`);
  };
  return {
    update(_, counts) {
      timer ??= setTimeout(() => write(counts), PLAIN_LINE_EVERY_MS).unref();
    },
    close(counts) {
      clearTimeout(timer);
      write(counts);
    },
  };
}
