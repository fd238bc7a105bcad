import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaExecutor } from '../../src/executors/lambda/lambda-executor.js';
import type { LambdaOptions } from '../../src/executors/lambda/lambda-options.js';
import { type Config, type DataFlowKernel, load } from '../../src/index.js';

export interface LambdaRun extends AsyncDisposable {
  readonly kernel: DataFlowKernel;
  readonly executor: LambdaExecutor;
  /** A folder of the test's own. */
  readonly folder: string;
}

/** A kernel over one LambdaExecutor, for whatever cloud the environment leads to; its folder goes with it. */
export async function lambdaRun(options: LambdaOptions = {}, config: Config = {}): Promise<LambdaRun> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-lambda-'));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  const executor = new LambdaExecutor({ maxConcurrency: 4, ...options });
  try {
    const kernel = await load({ executors: [executor], asDefault: false, runDir: join(folder, 'runs'), ...config });
    return { kernel, executor, folder, [Symbol.asyncDispose]: () => kernel.close({ onClose: 'cancel' }).then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
