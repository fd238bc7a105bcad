import { type Config, HighThroughputExecutor, ThreadPoolExecutor } from 'sluice';
import { LocalProvider } from 'sluice/hpc';

/**
 * Where the tasks run: on threads of this process, or on pilots that a provider starts; here as processes of this
 * machine, on a cluster by another provider. No pattern knows which.
 */
export function configFor(executor: 'threads' | 'htex'): Config {
  switch (executor) {
    case 'threads':
      return { executors: [new ThreadPoolExecutor({ maxThreads: 2 })] };
    case 'htex':
      return { executors: [new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: 2 })] };
  }
}
