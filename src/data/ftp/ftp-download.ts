import { type FileHandle, open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { SluiceError } from '../../errors.js';
import { persisting } from '../persisting.js';
import type { FileIdentity, StageInTarget } from '../staging.js';
import { localFailure, writeWhole } from '../write-whole.js';
import { createLengthCheck, isTransient, isUnknown } from './ftp-errors.js';
import type { FtpPool } from './ftp-pool.js';
import { explain, factsOf, identityOf } from './ftp-requests.js';
import type { FtpFacts } from './ftp-session.js';

export interface FtpFile {
  readonly pool: FtpPool;
  readonly path: string;
  /** URL of the file, for messages, without a password. */
  readonly url: string;
}

/**
 * Copies a file of a server to a local one, from where it was whenever a connection breaks. It appears whole or not at
 * all, and its length is checked; a file that changes meanwhile is `TRANSFER_FAILED`.
 */
export async function downloadFile({ pool, path, url }: FtpFile, target: StageInTarget): Promise<void> {
  const { suggestedPath, signal, identity, onProgress } = target;
  const what = `read ${url}`;
  let first: FtpFacts | undefined;
  await writeWhole(suggestedPath, async (temporaryPath) => {
    const local = await open(temporaryPath, 'wx').catch((error: unknown) => {
      throw localFailure(`write ${suggestedPath}`, error);
    });
    const copy = createCopy(local, { what, onProgress });
    const checkLength = createLengthCheck(what);
    try {
      await persisting({ isTransient, progress: copy.received, signal }, () =>
        pool.use(async (session) => {
          const facts = await factsOf(session, path, what);
          assertSame(what, facts, { first, wanted: identity });
          first ??= facts;
          const startAt = copy.received();
          if (startAt < facts.size || startAt === 0) {
            await session.retrieve(path, copy.rest(facts.size), startAt).catch(async (error: unknown) => {
              if (startAt === 0 || !isUnknown(error)) throw await explain(session, path, { what, error });
              // A server that does not know REST gives all of it.
              copy.restart();
              await session.retrieve(path, copy.rest(facts.size), 0);
            });
          }
          checkLength(copy.received(), facts.size);
          assertSame(what, await factsOf(session, path, what), { first, wanted: undefined });
        }, signal),
      );
    } finally {
      await local.close();
    }
  });
}

function assertSame(
  what: string,
  facts: FtpFacts,
  { first, wanted }: { readonly first: FtpFacts | undefined; readonly wanted: FileIdentity | undefined },
): void {
  const { tag, size } = identityOf(facts);
  if (wanted !== undefined && (wanted.tag !== tag || wanted.size !== size)) {
    throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: it is not the file any more that was asked for`);
  }
  if (first !== undefined && (first.size !== size || first.mtime !== facts.mtime)) {
    throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: the file changed while it was being read`);
  }
}

/** What has come of a file so far. */
interface Copy {
  /** Bytes that are in the local file, from its beginning. */
  received(): number;
  /** Forgets what has come. */
  restart(): void;
  /** A stream that takes the rest of the file's `size` bytes, and no more. */
  rest(size: number): Writable;
}

function createCopy(
  local: FileHandle,
  { what, onProgress }: { readonly what: string; readonly onProgress: StageInTarget['onProgress'] },
): Copy {
  let received = 0;
  const keep = async (chunks: readonly Buffer[], size: number): Promise<void> => {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (received + bytes > size) {
      throw new SluiceError(
        'TRANSFER_FAILED',
        `cannot ${what}: more than its ${size} bytes come: it is still being written`,
      );
    }
    const { bytesWritten } = await local.writev(chunks, received).catch((error: unknown) => {
      throw localFailure(`keep what was ${what}`, error);
    });
    if (bytesWritten !== bytes) {
      throw new SluiceError(
        'TRANSFER_FAILED',
        `cannot keep what was ${what}: the disk is full, or this user’s share of it: it took ${bytesWritten} of ${bytes} bytes`,
      );
    }
    received += bytes;
    onProgress?.(bytes);
  };
  return {
    received: () => received,
    restart() {
      onProgress?.(-received);
      received = 0;
    },
    rest: (size) =>
      new Writable({
        highWaterMark: GATHERED_BYTES,
        write(chunk: Buffer, _encoding, done) {
          keep([chunk], size).then(() => done(), done);
        },
        writev(chunks, done) {
          keep(
            chunks.map(({ chunk }) => chunk as Buffer),
            size,
          ).then(() => done(), done);
        },
      }),
  };
}

/** Bytes that wait for the disk at most, and that are written at once. */
const GATHERED_BYTES = 4 * 1024 * 1024;
