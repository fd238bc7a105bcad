import { Socket } from 'node:net';
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

/** What a socket's messages are told to. */
export interface FrameListener {
  onMessage(frames: Uint8Array[]): void;
  /** What is no message, or cannot be read; the socket has been ended. */
  onGarbage(error: unknown): void;
}

/** Tells of every message that arrives. */
export function readFrames(socket: Socket, listener: FrameListener): void {
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

const BLOCK_BYTES = 64 * 1024;
const LEAST_BYTES = 16 * 1024;

/**
 * Opens a socket by its descriptor, and tells of every message as {@link readFrames} does, with less ado: large frames
 * are read to where they stay, small ones beside each other, and no stream is between (`onread` of
 * https://nodejs.org/api/net.html#socketconnectoptions-connectlistener, which constructors take as well).
 */
export function openFrameSocket(fd: number, listener: FrameListener): Socket {
  const reader = new FrameReader(listener.onMessage);
  let block: Uint8Array = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let room: Uint8Array | undefined;
  const buffer = (): Uint8Array => {
    room = reader.room;
    if (block.byteLength < LEAST_BYTES) block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return room ?? block;
  };
  const take = (bytes: number): void => {
    if (room !== undefined) {
      reader.filled(bytes);
      return;
    }
    // Frames are views of what was read: it is not written to again.
    const chunk = block.subarray(0, bytes);
    block = block.subarray(bytes);
    reader.push(chunk);
  };
  const callback = (bytes: number): boolean => {
    try {
      take(bytes);
    } catch (error) {
      socket.destroy();
      listener.onGarbage(error);
    }
    return true;
  };
  const options = { fd, readable: true, writable: true, onread: { buffer, callback } };
  const socket = new Socket(options);
  return socket;
}
