import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { DataFile, FileIdentity, Staging } from 'sluice';

/** Moves `notes://shelf/name` to and from a notes service. @param options.service its URL */
export default function createNotesStaging({ service }: { service: string }): Staging {
  const isNote = ({ scheme }: DataFile) => scheme === 'notes';
  const ask = async ({ url }: DataFile, request: RequestInit): Promise<Response> => {
    const { host, pathname } = new URL(url);
    const answer = await fetch(new URL(`/${host}${pathname}`, service), request);
    if (answer.ok || (answer.status === 404 && request.method === 'HEAD')) return answer;
    await answer.body?.cancel();
    const code = { 403: 'ACCESS_DENIED', 404: 'NOT_FOUND', 412: 'TRANSFER_FAILED' }[answer.status];
    return failed(`${url}: status ${answer.status}`, code);
  };
  return {
    name: 'notes',
    schemes: ['notes'],
    capabilities: { stageOut: true, list: false, remove: false, identity: 'content' },
    canStageIn: isNote,
    canStageOut: isNote,
    async stageIn(file, { suggestedPath, signal, identity, onProgress }) {
      const headers = new Headers(identity && { 'if-match': identity.tag });
      const { body } = await ask(file, { headers, signal });
      // Whoever looks at the path sees the whole file or none.
      const part = `${suggestedPath}.part`;
      try {
        await pipeline(counted(body as AsyncIterable<Uint8Array>, onProgress), createWriteStream(part), { signal });
        await rename(part, suggestedPath);
      } finally {
        await rm(part, { force: true });
      }
      return suggestedPath;
    },
    async stageOut(file, { path, signal, onProgress }) {
      const found = await stat(path).catch(() => failed(`there is no file ${path}`, 'NOT_FOUND'));
      if (!found.isFile()) failed(`${path} is a folder`, 'INVALID_OPTIONS');
      const body = counted(createReadStream(path), onProgress);
      const { headers } = await ask(file, { method: 'PUT', body, signal, duplex: 'half' });
      return { tag: headers.get('etag') ?? '', size: found.size };
    },
    async identity(file, signal): Promise<FileIdentity | undefined> {
      const { status, headers } = await ask(file, { method: 'HEAD', signal: signal ?? null });
      return status === 404
        ? undefined
        : { tag: `${headers.get('etag')}`, size: Number(headers.get('content-length')) };
    },
    close: async () => undefined,
  };
}
async function* counted(chunks: AsyncIterable<Uint8Array>, onProgress?: (bytes: number) => void) {
  for await (const chunk of chunks) {
    onProgress?.(chunk.length);
    yield chunk;
  }
}
function failed(message: string, code: string | undefined): never {
  throw Object.assign(new Error(message), { code });
}
