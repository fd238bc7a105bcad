import { messageOf } from '../errors.js';
import type { Monitor, RunEvent } from '../monitoring/event.js';

/** Tells every monitor of an event. One that throws is no one else's harm, and is warned of once. */
export function createBroadcast(
  monitors: readonly Monitor[],
  warn: (message: string) => void,
): (event: RunEvent) => void {
  const failed = new Set<Monitor>();
  return (event) => {
    for (const monitor of monitors) {
      try {
        monitor.record(event);
      } catch (error) {
        if (!failed.has(monitor)) warn(`a monitor missed an event: ${messageOf(error)}`);
        failed.add(monitor);
      }
    }
  };
}
