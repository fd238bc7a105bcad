import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Where tasks of this user have their scratch folders on a node, unless told otherwise: nodes have several users. */
export function defaultScratchRoot(): string {
  return join(tmpdir(), `sluice-${process.getuid?.() ?? userInfo().username}`);
}
