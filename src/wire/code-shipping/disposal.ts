/** A value that a lowered `using` or `await using` declared. */
export interface Resource {
  readonly dispose: () => unknown;
  /** Declared by `await using`: what `dispose` returns is awaited. */
  readonly awaited: boolean;
}

/** What the block itself threw, if it did. */
export type BlockFailure = { readonly error: unknown } | undefined;

/**
 * The resource a value makes, as `AddDisposableResource` of the proposal has it
 * (https://tc39.es/proposal-explicit-resource-management/). `null` and `undefined` are no resource, but `await using`
 * of them still awaits at the block's end.
 *
 * @throws {TypeError} when the value cannot be disposed of.
 */
export function openResource(value: unknown, awaited: boolean): Resource | undefined {
  if (value === null || value === undefined) return awaited ? { dispose: () => undefined, awaited } : undefined;
  if (typeof value !== 'object' && typeof value !== 'function') throw new TypeError('Object expected');
  const target = value as Partial<Record<symbol, unknown>>;
  const asyncDispose = awaited ? target[Symbol.asyncDispose] : undefined;
  const method = asyncDispose ?? target[Symbol.dispose];
  if (typeof method !== 'function') throw new TypeError('Object not disposable');
  // What a synchronous disposer returns is not awaited, even where `await using` falls back to one.
  const isFallback = awaited && (asyncDispose === undefined || asyncDispose === null);
  const dispose = () => {
    const returned: unknown = method.call(value);
    return isFallback ? undefined : returned;
  };
  return { dispose, awaited };
}

/**
 * Disposes of the resources, last one first, and throws what the block or a disposer threw (both: a SuppressedError).
 * Returns a promise of that where any resource is awaited.
 */
export function disposeResources(resources: readonly Resource[], failure: BlockFailure): void | Promise<void> {
  const ordered = resources.toReversed();
  return ordered.some(({ awaited }) => awaited) ? disposeInTurn(ordered, failure) : disposeAtOnce(ordered, failure);
}

function disposeAtOnce(resources: readonly Resource[], failure: BlockFailure): void {
  let last = failure;
  for (const { dispose } of resources) {
    try {
      dispose();
    } catch (error) {
      last = { error: suppress(error, last) };
    }
  }
  if (last !== undefined) throw last.error;
}

async function disposeInTurn(resources: readonly Resource[], failure: BlockFailure): Promise<void> {
  let last = failure;
  for (const { dispose, awaited } of resources) {
    try {
      const returned = dispose();
      if (awaited) await returned;
    } catch (error) {
      last = { error: suppress(error, last) };
    }
  }
  if (last !== undefined) throw last.error;
}

/** Node 20 has no SuppressedError of its own; this is its shape. */
function suppress(error: unknown, failure: BlockFailure): unknown {
  if (failure === undefined) return error;
  const suppressed = new Error('An error was suppressed during disposal');
  return Object.assign(suppressed, { name: 'SuppressedError', error, suppressed: failure.error });
}
