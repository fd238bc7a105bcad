import { AsyncLocalStorage } from 'node:async_hooks';
import { SluiceError } from '../errors.js';
import type { DataFlowKernel } from './dataflow-kernel.js';
import type { TaskRecord } from './task-record.js';

/** The body of a join that runs. */
interface JoinScope {
  readonly kernel: DataFlowKernel;
  readonly join: TaskRecord;
}

const joinScope = new AsyncLocalStorage<JoinScope>();
let defaultKernel: DataFlowKernel | undefined;
let hadDefaultKernel = false;

/** The kernel an app call goes to: that of the join whose body makes it, else the default one. @throws {SluiceError} `NO_KERNEL`, `KERNEL_CLOSED` */
export function currentKernel(appName: string): DataFlowKernel {
  const kernel = loadedKernel();
  if (kernel !== undefined) return kernel;
  if (hadDefaultKernel) throw kernelClosed(appName);
  throw new SluiceError(
    'NO_KERNEL',
    `app '${appName}' was called and no kernel is loaded: write \`await using flow = await load({ … })\` first, or app(fn, { kernel })`,
  );
}

/** The kernel that an app call would go to now, if there is one. */
export function loadedKernel(): DataFlowKernel | undefined {
  return joinScope.getStore()?.kernel ?? defaultKernel;
}

/** The error of a call that comes too late. */
export function kernelClosed(appName: string): SluiceError {
  return new SluiceError('KERNEL_CLOSED', `app '${appName}' was called after its kernel was closed: load another one`);
}

/** The join of this kernel whose body the caller is: its calls are taken even while the kernel closes. */
export function enclosingJoin(kernel: DataFlowKernel): TaskRecord | undefined {
  const scope = joinScope.getStore();
  return scope?.kernel === kernel ? scope.join : undefined;
}

/** Runs the body of a join: apps it calls go to `kernel`. */
export function runInJoin<T>(kernel: DataFlowKernel, join: TaskRecord, body: () => T): T {
  return joinScope.run({ kernel, join }, body);
}

/** @throws {SluiceError} `KERNEL_LOADED` when there is a default kernel already. */
export function refuseSecondDefault(): void {
  if (defaultKernel === undefined) return;
  throw new SluiceError(
    'KERNEL_LOADED',
    'a default kernel is loaded already: close it first, or load this one with { asDefault: false } and give it to its apps with { kernel }',
  );
}

/** @throws as {@link refuseSecondDefault} does */
export function setDefaultKernel(kernel: DataFlowKernel): void {
  refuseSecondDefault();
  defaultKernel = kernel;
}

/** Forgets the default kernel if it is this one. */
export function unsetDefaultKernel(kernel: DataFlowKernel): void {
  if (defaultKernel !== kernel) return;
  defaultKernel = undefined;
  hadDefaultKernel = true;
}
