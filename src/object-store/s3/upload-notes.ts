import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnerGone, ownerName, uniqueName } from '../../run/owner.js';
import { isPrivateFolder } from '../../run/private-folder.js';
import { defaultScratchRoot } from '../../run/scratch-root.js';

/** A multipart upload that has begun. */
export interface BegunUpload {
  /** Where it is: scheme, host, port and path of its bucket. */
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

/**
 * Notes of the multipart uploads that processes of this user have under way on this machine, a file each, which tells its owner.
 * A process that is killed cannot end its own, and what it has sent would stay in the bucket, unseen and paid for: the next
 * one that uploads there ends it. Best effort: where no notes can be made there are none.
 */
export function noteUpload(upload: BegunUpload, folder: string = notesFolder()): { remove(): void } {
  const path = join(folder, `${uniqueName(ownerName())}.json`);
  for (let isMade = false, attempt = 0; !isMade && attempt < ATTEMPTS; attempt++) isMade = made(path, folder, upload);
  return { remove: () => removeNote(path, folder) };
}

/** Gives `end` the uploads to a bucket whose owners are gone; those of which it resolves with `true` are forgotten. */
export async function endLeftUploads(
  bucket: string,
  end: (upload: BegunUpload) => Promise<boolean>,
  folder: string = notesFolder(),
): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0 || !isPrivateFolder(folder)) return;
  for (const name of names.filter(isOwnerGone)) {
    const path = join(folder, name);
    const upload = uploadIn(await readFile(path, 'utf8').catch(() => ''));
    if (upload === undefined || (upload.bucket === bucket && (await end(upload)))) removeNote(path, folder);
  }
}

// The last note's owner removes the folder, maybe while another one is made.
const ATTEMPTS = 3;

function made(path: string, folder: string, upload: BegunUpload): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (isPrivateFolder(folder)) writeFileSync(path, JSON.stringify(upload), { flag: 'wx', mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

function notesFolder(): string {
  return `${defaultScratchRoot()}-uploads`;
}

function removeNote(path: string, folder: string): void {
  try {
    rmSync(path, { force: true });
    // Not as long as there are others.
    rmdirSync(folder);
  } catch {
    // Another one removes it when it looks.
  }
}

function uploadIn(text: string): BegunUpload | undefined {
  try {
    const { bucket, key, uploadId } = JSON.parse(text) as Partial<BegunUpload>;
    const texts = [bucket, key, uploadId];
    return texts.every((one) => typeof one === 'string') ? ({ bucket, key, uploadId } as BegunUpload) : undefined;
  } catch {
    return undefined;
  }
}
