import { type FileHandle, open } from 'node:fs/promises';
import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import { localIdentity } from '../local-file.js';
import { persisting } from '../persisting.js';
import type { FileIdentity, StageOutSource } from '../staging.js';
import { localFailure, newTemporaryName } from '../write-whole.js';
import type { FtpFile } from './ftp-download.js';
import { createLengthCheck, FtpReplyError, isTransient, isUnknown } from './ftp-errors.js';
import { explainStore, makeFolders } from './ftp-folders.js';
import { giveName } from './ftp-naming.js';
import { factsIfThere, factsOf, identityOf, requesting } from './ftp-requests.js';
import type { FtpFacts, FtpSession } from './ftp-session.js';

/**
 * Copies a local file to a server, under a temporary name beside the final one, which it is given once its length is
 * right; from where it was whenever a connection breaks. A local file that changes meanwhile is `TRANSFER_FAILED`.
 */
export async function uploadFile(file: FtpFile, source: StageOutSource): Promise<FileIdentity> {
  const what = `write ${file.url}`;
  const { path, signal } = source;
  signal.throwIfAborted();
  const before = await localIdentity(path);
  const local = await open(path, 'r').catch((error: unknown) => {
    throw localFailure(`read ${path}`, error);
  });
  const temporaryPath = posix.join(posix.dirname(file.path), newTemporaryName());
  try {
    const facts = await send(file, { what, local, source, size: before.size, temporaryPath });
    if ((await localIdentity(path)).tag !== before.tag) {
      throw new SluiceError('TRANSFER_FAILED', `${path} changed while it was being read: it is still being written`);
    }
    await giveName({ ...file, temporaryPath, what, signal }, facts);
    return identityOf(facts);
  } catch (error) {
    await removeTemporary(file, temporaryPath);
    throw error;
  } finally {
    await local.close();
  }
}

interface Sending {
  readonly what: string;
  readonly local: FileHandle;
  readonly source: StageOutSource;
  readonly size: number;
  readonly temporaryPath: string;
}

/** Fills the temporary file, and resolves with what the server says of it then. */
async function send({ pool, path }: FtpFile, { what, local, source, size, temporaryPath }: Sending): Promise<FtpFacts> {
  const { signal } = source;
  const reading = createReading(local, source, size);
  const checkLength = createLengthCheck(what);
  let wasBegun = false;
  let goesOn = true;
  return persisting({ isTransient, progress: reading.furthest, signal }, () =>
    pool.use(async (session) => {
      const kept = wasBegun && goesOn ? await factsIfThere(session, temporaryPath, what) : undefined;
      wasBegun = true;
      // Always from a byte that the server has: whatever a connection that was lost still writes, writes the same.
      const startAt = Math.min(kept?.size ?? 0, size);
      const store = (from: number) =>
        storeInto(session, posix.dirname(path), what, () => session.store(temporaryPath, reading.from(from), from));
      await store(startAt).catch(async (error: unknown) => {
        if (startAt === 0 || !isUnknown(error)) throw error;
        // A server that does not know REST is sent all of it.
        await store(0);
      });
      const facts = await factsOf(session, temporaryPath, what);
      // One that takes REST, and does not heed it, too.
      goesOn = facts.size === size;
      checkLength(facts.size, size);
      return facts;
    }, signal),
  );
}

/** Stores into a folder that need not be there yet. */
async function storeInto(session: FtpSession, folder: string, what: string, store: () => Promise<void>): Promise<void> {
  try {
    await store();
  } catch (error) {
    if (!(error instanceof FtpReplyError) || (error.reply !== 550 && error.reply !== 553)) throw error;
    // Where it is there now, another upload has made it meanwhile.
    await makeFolders(session, folder, what);
    await store().catch((second: unknown) => {
      throw explainStore(what, second);
    });
  }
}

interface Reading {
  /** Bytes that have ever been read. */
  furthest(): number;
  from(start: number): AsyncIterable<Uint8Array>;
}

function createReading(local: FileHandle, { path, onProgress }: StageOutSource, size: number): Reading {
  let furthest = 0;
  let told = 0;
  const tell = (position: number) => {
    if (position !== told) onProgress?.(position - told);
    told = position;
  };
  async function* chunks(start: number): AsyncGenerator<Buffer, void, undefined> {
    for (let position = start; position < size; ) {
      tell(position);
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size - position));
      const { bytesRead } = await local.read(buffer, 0, buffer.length, position).catch((error: unknown) => {
        throw localFailure(`read ${path}`, error);
      });
      if (bytesRead === 0) throw new SluiceError('TRANSFER_FAILED', `${path} became shorter while it was being read`);
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
      furthest = Math.max(furthest, position);
    }
    tell(size);
  }
  return {
    furthest: () => furthest,
    from: chunks,
  };
}

const READ_BYTES = 1024 * 1024;

async function removeTemporary({ pool }: FtpFile, temporaryPath: string): Promise<void> {
  const options = { what: `remove ${temporaryPath}`, policy: CLEAN_UP };
  // Where the server cannot be reached any more, the first error says so; lists leave such files out.
  await requesting(pool, options, (session) => session.remove(temporaryPath)).catch(() => undefined);
}

// Whoever gave up does not wait long for a server that may be gone.
const CLEAN_UP = { attempts: 2, baseDelayMs: 100, maxDelayMs: 1_000, deadlineMs: 5_000 };
