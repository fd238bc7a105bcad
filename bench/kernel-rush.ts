// Sends the rate of a kernel over threads, or over an executor that answers at once: `kernel-rush.ts tasks threads|instant`.
import { app, ThreadPoolExecutor } from 'sluice';
import { instantExecutor } from './instant-executor.js';
import { kernelOver, rushRate } from './kernel-over.js';

const tasks = Number(process.argv[2]);
await using run = await kernelOver(process.argv[3] === 'threads' ? new ThreadPoolExecutor() : instantExecutor());
const noop = app(() => 0, { name: 'noop', kernel: run.kernel });
for (let warmUp = 0; warmUp < 3; warmUp++) await rushRate(20_000, () => noop());
process.send?.(await rushRate(tasks, () => noop()));
process.disconnect();
