import { SluiceError } from '../../errors.js';
import type { RemoteStats, SftpHandle, SftpSession } from '../../ssh/sftp-session.js';
import type { SshConnection } from '../../ssh/ssh-connection.js';
import { isLost } from '../../ssh/ssh-errors.js';
import { persisting } from '../persisting.js';
import { untilAborted } from '../until-aborted.js';

/** A file on a host that stays open when the connection is lost: it is opened again on the next one. */
export interface RemoteFile {
  /**
   * Runs requests on the open file. Those that are cut off are run again, unless connections are lost again and again
   * without that any use of the file has come to its end meanwhile. No deadline: a request waits behind all that are
   * under way, and silence is watched by {@link watchingSilence} and by the connection.
   */
  use<T>(action: (session: SftpSession, handle: SftpHandle) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Closes the file, which is when some servers tell that they could not keep it. */
  close(signal: AbortSignal): Promise<void>;
  /** Lets go of the file, and waits for nothing: to be called at the end, closed or not. */
  release(): void;
}

export interface RemoteFileOptions {
  /** Opens it on a session; `isFirst` until that has succeeded once. */
  readonly open: (session: SftpSession, isFirst: boolean) => Promise<SftpHandle>;
  /** Looks at the file each time it has been opened; what it throws ends the use. */
  readonly inspect: (stats: RemoteStats) => void;
}

/** No I/O: the file is opened when first used. */
export function createRemoteFile(connection: SshConnection, options: RemoteFileOptions): RemoteFile {
  let opened: { readonly session: SftpSession; readonly handle: Promise<SftpHandle> } | undefined;
  let isFirst = true;
  let done = 0;

  const openOn = async (session: SftpSession): Promise<SftpHandle> => {
    const handle = await options.open(session, isFirst);
    isFirst = false;
    options.inspect(await session.stat(handle));
    return handle;
  };
  const handleOn = (session: SftpSession): Promise<SftpHandle> => {
    if (opened?.session === session) return opened.handle;
    const opening = { session, handle: openOn(session) };
    opened = opening;
    opening.handle.catch(() => {
      if (opened === opening) opened = undefined;
    });
    return opening.handle;
  };
  const file: RemoteFile = {
    use: (action, signal) =>
      persisting({ isTransient: isLost, progress: () => done, signal }, async () => {
        const use = connection.withSftp(async (session) => action(session, await handleOn(session)));
        const result = await untilAborted(use, signal);
        done += 1;
        return result;
      }),
    async close(signal) {
      await file.use((session, handle) => session.close(handle), signal);
      opened = undefined;
    },
    release() {
      const last = opened;
      opened = undefined;
      // On a session that was lost there is nothing left to close.
      last?.handle.then((handle) => last.session.close(handle)).catch(() => undefined);
    },
  };
  return file;
}

/** Runs `transfer` with a signal that also aborts when nothing has moved for `silentMs`: `moved` is to be called for all that has. */
export async function watchingSilence<T>(
  { what, signal, silentMs }: { readonly what: string; readonly signal: AbortSignal; readonly silentMs: number },
  transfer: (signal: AbortSignal, moved: () => void) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    stop.abort(new SluiceError('SERVICE_FAILED', `${what}: nothing has moved for ${silentMs} ms`));
  }, silentMs);
  try {
    return await transfer(stop.signal, () => timer.refresh());
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
