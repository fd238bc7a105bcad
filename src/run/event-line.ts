import type { AttemptEnded, RunEvent } from '../monitoring/event.js';

/**
 * Writes events as lines of JSON. Put together by hand, since `JSON.stringify` takes six times as long and there are
 * five events to a task; names are escaped once each.
 */
export function createEventLine(): (event: RunEvent) => string {
  const names = new Map<string, string>();
  const quoted = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const fresh = JSON.stringify(name);
    names.set(name, fresh);
    return fresh;
  };
  const attempt = (event: { attempt: number; executor: string }): string =>
    `,"attempt":${event.attempt},"executor":${quoted(event.executor)}`;
  return (event) => {
    const head = `{"kind":"${event.kind}","atMs":${event.atMs},"taskId":${event.taskId},"app":${quoted(event.app)}`;
    switch (event.kind) {
      case 'taskCreated':
        return `${head}}\n`;
      case 'taskStatus':
        return `${head},"from":"${event.from}","status":"${event.status}"}\n`;
      case 'attemptStarted':
        return `${head}${attempt(event)}}\n`;
      case 'attemptEnded':
        return `${head}${attempt(event)}${ending(event, quoted)}}\n`;
    }
  };
}

function ending({ error, usage }: AttemptEnded, quoted: (name: string) => string): string {
  const failed = error === undefined ? '' : `,"error":${JSON.stringify(error)}`;
  if (usage === undefined) return failed;
  const { runMs, stagingMs, cpuMs, peakMemoryMiB, where, billed } = usage;
  const process = cpuMs === undefined ? '' : `,"cpuMs":${round(cpuMs)}`;
  const memory = peakMemoryMiB === undefined ? '' : `,"peakMemoryMiB":${Math.round(peakMemoryMiB)}`;
  const bill = billed === undefined ? '' : `,"billed":${JSON.stringify(billed)}`;
  const times = `"runMs":${round(runMs)},"stagingMs":${round(stagingMs)}`;
  return `${failed},"usage":{${times}${process}${memory},"where":${quoted(where)}${bill}}`;
}

// To the microsecond: clocks tell no more.
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
