import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { FunctionCode, FunctionRecord } from './function-record.js';

/**
 * The functions of one local-cloud: in memory, and on disk below `folder`, where they survive a restart
 * (`functions/<name>.json`, `code/<hash>.zip`; each file appears whole or not at all).
 */
export interface FunctionStore {
  get(name: string): FunctionRecord | undefined;
  /** All functions, by name. */
  list(): readonly FunctionRecord[];
  /** Creates or replaces a function. */
  put(record: FunctionRecord): Promise<void>;
  delete(name: string): Promise<void>;
  /** Keeps a zip file; code that no function uses any more is removed at the next start. */
  putCode(zip: Buffer): Promise<FunctionCode>;
  readCode(code: FunctionCode): Promise<Buffer>;
}

/** Opens the store, reading what an earlier local-cloud left there. */
export async function openFunctionStore(folder: string): Promise<FunctionStore> {
  const functionsFolder = join(folder, 'functions');
  const codeFolder = join(folder, 'code');
  await mkdir(functionsFolder, { recursive: true });
  await mkdir(codeFolder, { recursive: true });
  const records = await readRecords(functionsFolder);
  const recordPath = (name: string): string => join(functionsFolder, `${name}.json`);
  const codePath = (code: FunctionCode): string => join(codeFolder, codeFileName(code));
  let lastWrite: Promise<unknown> = Promise.resolve();
  const inOrder = (write: () => Promise<void>): Promise<void> => {
    const done = lastWrite.then(write);
    lastWrite = done.catch(() => undefined);
    return done;
  };
  await removeUnusedCode(codeFolder, new Set([...records.values()].map((record) => codeFileName(record.code))));

  return {
    get: (name) => records.get(name),
    list: () => [...records.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    put(record) {
      // Memory at once, the disk in the same order: of two updates at a time, the second sees the first.
      records.set(record.name, record);
      return inOrder(() => writeWhole(recordPath(record.name), JSON.stringify(record, undefined, 2)));
    },
    delete(name) {
      records.delete(name);
      return inOrder(() => rm(recordPath(name), { force: true }));
    },
    async putCode(zip) {
      const code = { sha256: createHash('sha256').update(zip).digest('base64'), size: zip.length };
      await writeWhole(codePath(code), zip);
      return code;
    },
    readCode: (code) => readFile(codePath(code)),
  };
}

function codeFileName(code: FunctionCode): string {
  return `${Buffer.from(code.sha256, 'base64').toString('hex')}.zip`;
}

async function readRecords(folder: string): Promise<Map<string, FunctionRecord>> {
  const records = new Map<string, FunctionRecord>();
  for (const fileName of await readdir(folder)) {
    const path = join(folder, fileName);
    if (!fileName.endsWith('.json')) await rm(path);
    else records.set(fileName.slice(0, -'.json'.length), parseRecord(await readFile(path, 'utf8'), path));
  }
  return records;
}

function parseRecord(text: string, path: string): FunctionRecord {
  try {
    return JSON.parse(text) as FunctionRecord;
  } catch (cause) {
    throw new SluiceError('INVALID_OPTIONS', `${path} was not written by local-cloud: remove it`, { cause });
  }
}

async function removeUnusedCode(folder: string, used: ReadonlySet<string>): Promise<void> {
  const unused = (await readdir(folder)).filter((fileName) => !used.has(fileName));
  await Promise.all(unused.map((fileName) => rm(join(folder, fileName))));
}

async function writeWhole(path: string, content: string | Buffer): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  await writeFile(partial, content);
  await rename(partial, path);
}
