/** A number of places that are taken and given back; whoever finds none waits in line. */
export interface Slots {
  /** Resolves with the function that gives the place back, which may be called more than once. */
  take(): Promise<() => void>;
  /** Those who wait, and come later, get this error. */
  close(error: Error): void;
}

export function createSlots(count: number): Slots {
  let free = count;
  let closed: Error | undefined;
  const waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const giveBack = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next.resolve();
  };
  const onceOnly = (action: () => void) => {
    let done = false;
    return () => {
      if (!done) action();
      done = true;
    };
  };
  return {
    async take() {
      if (closed !== undefined) throw closed;
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
      return onceOnly(giveBack);
    },
    close(error) {
      closed = error;
      for (const { reject } of waiting.splice(0)) reject(error);
    },
  };
}
