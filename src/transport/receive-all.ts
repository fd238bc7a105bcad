import type { Observer, Event as SocketEvent } from 'zeromq';

/** Receives until the socket is closed. What `onMessage` throws is nobody's to catch: it ends the process. */
export async function receiveAll<M>(
  socket: { readonly closed: boolean; receive(): Promise<M> },
  onMessage: (message: M) => void,
): Promise<void> {
  while (!socket.closed) {
    let message: M;
    try {
      message = await socket.receive();
    } catch (error) {
      if (socket.closed) return;
      throw error;
    }
    onMessage(message);
  }
}

/** Follows what befalls a socket, until it is closed. */
export async function watchEvents(events: Observer, onEvent: (event: SocketEvent) => void): Promise<void> {
  while (!events.closed) {
    // When the socket is closed, the one under way gives nothing, or fails.
    const event = (await events.receive().catch(() => undefined)) as SocketEvent | undefined;
    if (event === undefined || event.type === 'end') return;
    onEvent(event);
  }
}
