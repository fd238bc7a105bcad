import { type Executor, HighThroughputExecutor, ThreadPoolExecutor } from 'sluice';
import { deployLambda, LambdaExecutor } from 'sluice/aws';
import { LocalProvider } from 'sluice/hpc';
import { startLocalCloud } from 'sluice/local-cloud';

/** Where the tasks run, and what was started for it. */
export interface Place extends AsyncDisposable {
  readonly executor: Executor;
}

/** Opens one by its name; `undefined` when there is none of that name. */
export function openPlace(name: string): Promise<Place> | undefined {
  return Object.hasOwn(PLACES, name) ? PLACES[name]?.() : undefined;
}

/** Names of all. */
export function placeNames(): readonly string[] {
  return Object.keys(PLACES);
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  threads: async () => withNothing(new ThreadPoolExecutor({ maxThreads: 2 })),
  htex: async () => withNothing(new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: 2 })),
  lambda: openLambda,
};

function withNothing(executor: Executor): Place {
  return { executor, [Symbol.asyncDispose]: async () => undefined };
}

/** Lambda on a local-cloud in this process: its workers get the staging's module as a bundle. */
async function openLambda(): Promise<Place> {
  // The SDK's version is pinned to one that runs on this Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const cloud = await startLocalCloud();
  const restoreEnv = cloud.applyEnv();
  const { functionName } = await deployLambda({ role: 'arn:aws:iam::000000000000:role/notes', memoryMiB: 512 });
  return {
    executor: new LambdaExecutor({ functionName, maxConcurrency: 2 }),
    async [Symbol.asyncDispose]() {
      restoreEnv();
      await cloud.close();
    },
  };
}
