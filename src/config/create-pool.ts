import * as z from 'zod';
import type { App, IoApp } from '../apps/app.js';
import { type Pool, poolDefinition, poolOver } from '../apps/pool.js';
import { DataFlowKernel } from '../kernel/dataflow-kernel.js';
import { parseOptions } from '../parse-options.js';
import type { Config } from './config.js';
import { load } from './load.js';

/** Options of {@link createPool}. */
export interface PoolOptions {
  /** Shown in errors, logs and reports. Default: the function's or the app's name. */
  readonly name?: string;
  /** What the pool's own kernel is made of. Default: threads. */
  readonly config?: Omit<Config, 'asDefault'>;
  /** A kernel to use instead; closing the pool leaves it open. Default: that of the app, if it has one. */
  readonly kernel?: DataFlowKernel;
}

const schema = z
  .strictObject({
    name: z.string().min(1).exactOptional(),
    config: z.looseObject({ asDefault: z.never().exactOptional() }).exactOptional(),
    kernel: z.instanceof(DataFlowKernel).exactOptional(),
  })
  .refine(({ config, kernel }) => config === undefined || kernel === undefined, 'give a config or a kernel, not both');

/**
 * A pool that runs one function, or app, of one parameter. Its workers start with the first run, or with `load()`.
 * Best written `await using pool = createPool(fn)`.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, `CODE_NOT_SHIPPABLE`
 */
export function createPool<A, R>(target: App<[A], R> | IoApp<[A], R>, options?: PoolOptions): Pool<A, R>;
export function createPool<A, R>(target: (arg: A) => R, options?: PoolOptions): Pool<A, Awaited<R>>;
export function createPool(target: object, options: PoolOptions = {}): Pool<never, unknown> {
  parseOptions(schema, options, 'options of createPool');
  const { name, config, kernel } = options;
  const definition = poolDefinition(target, name);
  const given = kernel ?? (config === undefined ? definition.kernel : undefined);
  const own = () => load({ ...config, asDefault: false });
  return poolOver(definition, {
    load: given === undefined ? own : async () => given,
    isOwn: given === undefined,
  }) as Pool<never, unknown>;
}
