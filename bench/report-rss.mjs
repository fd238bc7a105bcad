// Preloaded: writes the peak memory of the process, in KiB, to the file that SLUICE_BENCH_RSS names.
import { writeFileSync } from 'node:fs';

process.once('exit', () => {
  writeFileSync(process.env.SLUICE_BENCH_RSS ?? '/dev/null', `${process.resourceUsage().maxRSS}`);
});
