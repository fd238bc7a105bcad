/** Time, as it is handed to what must be testable without waiting. */
export interface ScalingClock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Calls back once, after `ms`; returns what gives that up. */
  later(ms: number, callback: () => void): () => void;
}

/** The real one. Its timers keep the process alive until they are called or given up. */
export const SYSTEM_CLOCK: ScalingClock = {
  now: () => performance.now(),
  later(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
