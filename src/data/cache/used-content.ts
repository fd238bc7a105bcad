import { hasItsBytes } from './checked-content.js';
import { type Content, isSame, readContent, readState } from './content.js';
import type { Hold } from './get-content.js';
import type { CacheContext } from './node-cache.js';
import type { Placed } from './place-file.js';
import { discard } from './throw-away.js';

/** A content as a task had it. */
export interface Used {
  readonly hold: Hold;
  readonly placed: Placed;
  readonly content: Content;
}

/** Whether somebody has written to a content since a task got it; the cache has it no more then. */
export async function takeIfChanged(context: CacheContext, used: Used): Promise<boolean> {
  const { entry, wanted } = used.hold;
  if (!(await hasChanged(context, used))) return false;
  const now = readContent(entry, wanted.size);
  // Another one may have thrown it away, and somebody fetched it anew.
  if (now === 'changed' || now?.inode === used.content.inode) {
    await discard(entry, context.folder.own('trash'));
  }
  return true;
}

async function hasChanged({ verify }: CacheContext, { hold, placed, content }: Used): Promise<boolean> {
  const state = placed.isLink ? readState(placed.path) : undefined;
  if (state?.inode === content.inode) {
    return !isSame(state, content) || !(await hasItsBytes({ ...content, path: placed.path }, verify, NEVER));
  }
  // A copy, or the task has put another file in place of the link.
  return readContent(hold.entry, hold.wanted.size) === 'changed';
}

const NEVER: AbortSignal = new AbortController().signal;
