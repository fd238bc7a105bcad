// `--import` this and the built package writes no event log: what a run costs without.
import { register } from 'node:module';

const hooks = `export async function load(url, context, next) {
  if (!url.endsWith('/dist/run/event-log.js')) return next(url, context);
  const source = 'export const createEventLog = () => ({ record() {}, async close() {} });';
  return { format: 'module', source, shortCircuit: true };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
