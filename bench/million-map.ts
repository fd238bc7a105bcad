// Sends the most memory this process had resident, in MiB, while `map` ran a million tasks that do nothing.
import { availableParallelism } from 'node:os';
import { app, map, ThreadPoolExecutor } from 'sluice';
import { kernelOver } from './kernel-over.js';

const MANY = 1_000_000;

function* numbers(): Generator<number> {
  for (let index = 0; index < MANY; index++) yield index;
}

await using run = await kernelOver(new ThreadPoolExecutor({ maxThreads: availableParallelism() }));
const same = app((value: number) => value, { name: 'same', kernel: run.kernel });
let next = 0;
for await (const value of map(same, numbers(), { concurrency: 1_000 })) {
  if (value !== next++) throw new Error(`${value} came where ${next - 1} was due`);
}
if (next !== MANY) throw new Error(`${next} of ${MANY} came`);
// In KiB, whatever the platform (libuv).
process.send?.(process.resourceUsage().maxRSS / 1024);
process.disconnect();
