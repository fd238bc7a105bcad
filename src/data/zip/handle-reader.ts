import type { FileHandle } from 'node:fs/promises';
import { Reader } from '@zip.js/zip.js';

/** What zip.js reads an open file by; the library asks for a subclass. */
export class HandleReader extends Reader<void> {
  readonly #handle: FileHandle;
  readonly #onRead: ((bytes: number) => void) | undefined;

  /** @param onRead told of the bytes of each read */
  constructor(handle: FileHandle, size: number, onRead?: (bytes: number) => void) {
    super(undefined);
    this.#handle = handle;
    this.#onRead = onRead;
    this.size = size;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - index)));
    let filled = 0;
    while (filled < bytes.byteLength) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.byteLength - filled, index + filled);
      if (bytesRead === 0) throw new Error('the file was cut short while it was being read');
      filled += bytesRead;
    }
    this.#onRead?.(filled);
    return bytes;
  }
}
