import { parseArgs } from 'node:util';
import { app, bash, customStaging, type DataFile, file, load } from 'sluice';
import { startNotesService } from './custom-staging/notes-service.js';
import { openPlace, placeNames } from './custom-staging/place.js';

const shout = bash((io) => io.sh`tr a-z A-Z < ${io.inputs[0]} > ${io.outputs[0]}`, { name: 'shout' });

const count = app(
  async (text: DataFile) => {
    const { readFile } = await import('node:fs/promises');
    return (await readFile(text.path, 'utf8')).trim().split(/\s+/).length;
  },
  { name: 'count' },
);

// A staging of one's own: apps read and write `notes:` files, and only notes-staging.ts knows how to move them.
async function countWords(executor: string): Promise<string> {
  const place = openPlace(executor);
  if (place === undefined) throw new Error(`--executor is ${placeNames().join(', ')}, not ${JSON.stringify(executor)}`);
  await using opened = await place;
  await using service = await startNotesService();
  service.notes.set('/shelf/fox.txt', Buffer.from('the quick brown fox jumps over the lazy dog\n'));
  const module = new URL('./custom-staging/notes-staging.ts', import.meta.url);
  await using _flow = await load({
    executors: [opened.executor],
    storageAccess: [customStaging(module, { service: service.url })],
  });
  const shouted = shout({ inputs: [file('notes://shelf/fox.txt')], outputs: ['notes://shelf/FOX.txt'] });
  const words = await count(shouted.outputs[0]);
  return `${words} words, written and read on ${executor}: ${service.notes.get('/shelf/FOX.txt')}`;
}

try {
  const { values } = parseArgs({ options: { executor: { type: 'string', default: 'threads' } } });
  process.stdout.write(await countWords(values.executor));
} catch (error) {
  console.error(`custom-staging: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
