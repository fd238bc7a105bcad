import { parseObjectUrl } from '../../data/data-file.js';
import { SluiceError } from '../../errors.js';
import { StopGroup } from '../../run/stop-group.js';
import type { RunBucket } from '../../run-bucket/run-bucket.js';
import type { ValueSpill } from './value-spill.js';

/** A {@link ValueSpill} in the run's part of a bucket, for workers that do not see this machine's disk. */
export function createBucketSpill({ store, prefix }: Pick<RunBucket, 'store' | 'prefix'>): ValueSpill {
  const closing = new AbortController();
  const stops = new StopGroup();
  const underWay = new Set<Promise<unknown>>();
  const gone: string[] = [];
  let removing: Promise<void> | undefined;

  // What goes while one request is under way goes together with the next.
  const removeAll = async (): Promise<void> => {
    while (gone.length > 0) await store.deleteMany(gone.splice(0), { signal: closing.signal }).catch(() => {});
    removing = undefined;
  };

  return {
    url: `${store.url}/${prefix}/values`,
    async put(name, bytes, signal) {
      const key = `${prefix}/${name}`;
      const read = async ({ start, end }: { start: number; end: number }) => bytes.subarray(start, end + 1);
      const written = stops.run(signal, async (stop) => {
        stop.throwIfAborted();
        await store.putParts(key, bytes.byteLength, read, { signal: stop });
      });
      const settled = written.then(ignore, ignore).finally(() => underWay.delete(settled));
      underWay.add(settled);
      await written;
      return `${store.url}/${key}`;
    },
    remove(url) {
      gone.push(parseObjectUrl(url).key);
      removing ??= removeAll();
    },
    async close() {
      const reason = new SluiceError('CANCELLED', 'the run is closed: its values are not sent any more');
      closing.abort(reason);
      stops.abort(reason);
      await Promise.allSettled([...underWay, removing]);
    },
  };
}

function ignore(): void {}
