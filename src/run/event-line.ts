import type { AttemptEnded, RunEvent } from '../monitoring/event.js';

/**
 * Writes events as lines of JSON. Put together by hand from few pieces, most of them made once: there are five events to
 * a task, and `JSON.stringify` of each would take longer than a small task.
 */
export function createEventLine(): (event: RunEvent) => string {
  const head = onceEachPair((kind: string, app: string) => `{"kind":"${kind}","app":${JSON.stringify(app)},"atMs":`);
  const change = onceEachPair((from: string, status: string) => `,"from":"${from}","status":"${status}"}\n`);
  const attempt = onceEachPair((executor: string, attempt: number) => {
    return `,"executor":${JSON.stringify(executor)},"attempt":${attempt}`;
  });
  const place = onceEachPair((where: string, _: '') => `,"where":${JSON.stringify(where)}`);
  const tail = (event: RunEvent): string => {
    switch (event.kind) {
      case 'taskCreated':
        return '}\n';
      case 'taskStatus':
        return change(event.from, event.status);
      case 'attemptStarted':
        return `${attempt(event.executor, event.attempt)}}\n`;
      case 'attemptEnded':
        return `${attempt(event.executor, event.attempt)}${ending(event, (where) => place(where, ''))}}\n`;
    }
  };
  return (event) => `${head(event.kind, event.app)}${event.atMs},"taskId":${event.taskId}${tail(event)}`;
}

/** Remembers what `make` made of each pair: of names and numbers of which a run has few. */
function onceEachPair<A, B>(make: (a: A, b: B) => string): (a: A, b: B) => string {
  const made = new Map<A, Map<B, string>>();
  return (a, b) => {
    const ofA = made.get(a) ?? new Map<B, string>();
    const known = ofA.get(b);
    if (known !== undefined) return known;
    made.set(a, ofA.set(b, make(a, b)));
    return ofA.get(b) as string;
  };
}

function ending({ error, usage }: AttemptEnded, place: (where: string) => string): string {
  const failed = error === undefined ? '' : `,"error":${JSON.stringify(error)}`;
  if (usage === undefined) return failed;
  const { runMs, stagingMs, cpuMs, peakMemoryMiB, where, billed } = usage;
  const process = cpuMs === undefined ? '' : `,"cpuMs":${milliseconds(cpuMs)}`;
  const memory = peakMemoryMiB === undefined ? '' : `,"peakMemoryMiB":${Math.round(peakMemoryMiB)}`;
  const bill = billed === undefined ? '' : `,"billed":${JSON.stringify(billed)}`;
  const times = `"runMs":${milliseconds(runMs)},"stagingMs":${milliseconds(stagingMs)}`;
  return `${failed},"usage":{${times}${process}${memory}${place(where)}${bill}}`;
}

// To the microsecond, as clocks tell no more; from whole numbers, since printing a fraction takes far longer.
function milliseconds(value: number): string {
  const microseconds = Math.round(value * 1000);
  const rest = microseconds % 1000;
  const whole = (microseconds - rest) / 1000;
  return rest === 0 ? `${whole}` : `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
}
