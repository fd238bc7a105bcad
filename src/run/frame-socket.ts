import type { Socket } from 'node:net';
import { FrameReader, piecesOf } from '../wire/frames/frame-stream.js';

/** Writes a message of frames to a socket, in one system call where it takes them; large frames are not copied. */
export function writeFrames(socket: Socket, frames: readonly Uint8Array[]): void {
  const pieces = piecesOf(frames);
  if (pieces.length === 1) {
    socket.write(pieces[0] as Uint8Array);
    return;
  }
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}

/** Calls `onMessage` for every message that arrives; what is no message, or cannot be read, goes to `onGarbage` and ends the socket. */
export function readFrames(
  socket: Socket,
  listener: { onMessage(frames: Uint8Array[]): void; onGarbage(error: unknown): void },
): void {
  const reader = new FrameReader(listener.onMessage);
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch (error) {
      socket.destroy();
      listener.onGarbage(error);
    }
  });
}
