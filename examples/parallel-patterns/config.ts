import { type Config, type Executor, ThreadPoolExecutor } from 'sluice';
import { LocalProvider } from 'sluice/hpc';

/**
 * Where the tasks run: on threads of this process, or on pilots that a provider starts; here as processes of this
 * machine, on a cluster by another provider. No pattern knows which.
 */
export async function configFor(executor: 'threads' | 'htex'): Promise<Config> {
  if (executor === 'threads') return { executors: [new ThreadPoolExecutor({ maxThreads: 2 })] };
  return { executors: [await pilots()] };
}

async function pilots(): Promise<Executor> {
  const { HighThroughputExecutor } = (await import('sluice')) as {
    HighThroughputExecutor?: new (options: { label: string; provider: LocalProvider }) => Executor;
  };
  if (HighThroughputExecutor === undefined) throw new Error('this version has no HighThroughputExecutor yet');
  return new HighThroughputExecutor({ label: 'htex', provider: new LocalProvider() });
}
