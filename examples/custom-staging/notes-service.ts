import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that keeps notes by their paths, in memory: GET, HEAD and PUT. */
export interface NotesService extends AsyncDisposable {
  readonly url: string;
  /** Paths and contents. */
  readonly notes: Map<string, Buffer>;
}

/** Starts one on a free port of this machine. */
export async function startNotesService(): Promise<NotesService> {
  const notes = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    answer(notes, request, response).catch((error: Error) => response.destroy(error));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(notes: Map<string, Buffer>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url: path = '/', method, headers } = request;
  if (method === 'PUT') {
    const note = await bodyOf(request);
    notes.set(path, note);
    response.setHeader('etag', tagOf(note)).end();
    return;
  }
  const note = notes.get(path);
  if (note === undefined) response.writeHead(404).end();
  else if (headers['if-match'] !== undefined && headers['if-match'] !== tagOf(note)) response.writeHead(412).end();
  else response.writeHead(200, { etag: tagOf(note), 'content-length': note.length }).end(method === 'HEAD' ? '' : note);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  // Half a note is none.
  if (!request.complete) throw new Error('the note broke off');
  return Buffer.concat(chunks);
}

function tagOf(note: Buffer): string {
  return `"${createHash('sha256').update(note).digest('hex')}"`;
}
