/** Frames left free: enough to make an error, not enough for a deep recursion. */
const FRAMES_LEFT = 600;

/** Calls `action` where the stack has room for a few hundred small frames only. */
export function nearTheEndOfTheStack<T>(action: () => T): T {
  let deepest = 0;
  const measure = (depth: number): void => {
    deepest = depth;
    measure(depth + 1);
  };
  try {
    measure(0);
  } catch {
    // Now `deepest` is known.
  }
  const descend = (depth: number): T => (depth < deepest - FRAMES_LEFT ? descend(depth + 1) : action());
  return descend(0);
}
