import { once } from 'node:events';
import { createServer, request as forward, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CrowdedServer {
  readonly endpoint: string;
  /** Requests so far, and those of them that were refused for load. */
  count(): { readonly asked: number; readonly refused: number };
  reset(): void;
  close(): Promise<void>;
}

/** How long the server takes over a request before it passes it on, so that those of a crowd meet. */
const WORK_MS = 5;

/** A server in front of another that refuses, as `refuse` says, whatever comes while it has `capacity` requests. */
export async function crowdedServer(
  target: string,
  capacity: number,
  refuse: (response: ServerResponse) => void,
): Promise<CrowdedServer> {
  let [asked, refused, underWay] = [0, 0, 0];
  const server = createServer((request, response) => {
    asked += 1;
    if (underWay >= capacity) {
      refused += 1;
      request.resume();
      refuse(response);
      return;
    }
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
    });
    setTimeout(() => {
      const { method, url, headers } = request;
      const onward = forward(new URL(url ?? '/', target), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.on('error', () => onward.destroy());
      request.pipe(onward);
    }, WORK_MS);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => ({ asked, refused }),
    reset: () => {
      [asked, refused] = [0, 0];
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
