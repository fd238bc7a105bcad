import { join } from 'node:path';
import { unpackCodeArchive } from './code-archive.js';
import type { FunctionCode, FunctionRecord } from './function-record.js';

/**
 * Unpacks the code of functions once, when it is first needed.
 *
 * It lies in a temporary folder and not with the state, so that a bare import that the zip does not contain fails here
 * as it would on Lambda, instead of finding the `node_modules` of whatever project the state folder is in.
 */
export function createCodeCache(
  folder: string,
  readCode: (code: FunctionCode) => Promise<Buffer>,
): (record: FunctionRecord) => Promise<string> {
  const unpacked = new Map<string, Promise<string>>();
  const unpack = async (code: FunctionCode): Promise<string> => {
    const target = join(folder, Buffer.from(code.sha256, 'base64').toString('hex'));
    await unpackCodeArchive(await readCode(code), target);
    return target;
  };
  return (record) => {
    const { code } = record;
    const known = unpacked.get(code.sha256);
    if (known !== undefined) return known;
    const started = unpack(code);
    unpacked.set(code.sha256, started);
    started.catch(() => unpacked.delete(code.sha256));
    return started;
  };
}
