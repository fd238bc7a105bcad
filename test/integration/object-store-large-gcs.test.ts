import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import { largeObjects } from './large-objects.js';

largeObjects({
  scheme: 'gs',
  leftUpload: 'unseen',
  openBucket: async (bucket, folder) => {
    await new Storage().createBucket(bucket);
    const store = createGcsStore({ bucket });
    // The service does not list its uploads; here they are a file each.
    const sessions = join(folder, 'gcs/buckets', bucket, 'sessions');
    return {
      store,
      uploads: async () => {
        const files = (await readdir(sessions)).filter((name) => name.endsWith('.json'));
        const read = files.map(async (name) => {
          // One that has ended since it was listed is none.
          const text = await readFile(join(sessions, name), 'utf8').catch(() => undefined);
          if (text === undefined) return [];
          const { key, segments } = JSON.parse(text);
          return [{ id: name, key, parts: segments.length }];
        });
        return (await Promise.all(read)).flat();
      },
      close: () => store.close(),
    };
  },
});
