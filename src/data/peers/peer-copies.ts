import { entryName } from '../cache/cache-folder.js';
import type { StageInTarget } from '../staging.js';
import type { PeerRing } from './peer-access.js';
import { downloadFromPeers, type LeastSpeed, type PeerTry } from './peer-download.js';
import { PeerFailure } from './peer-failure.js';
import { parsePeerUrl } from './peer-url.js';

/** A content that other nodes may have in their caches. */
export interface CachedElsewhere {
  /** As caches tell contents apart. */
  readonly key: string;
  readonly size: number;
}

/** Fetches contents from the caches of other nodes. */
export interface PeerCopies {
  /**
   * Fetches a content from one of the nodes that are said to have it, whole and right, to `suggestedPath`; false when
   * none of them gives it. Rejects as writing does, and with `signal.reason`. @param nodes `peer:` URLs, in any order
   */
  fetch(content: CachedElsewhere, nodes: readonly string[], target: StageInTarget): Promise<boolean>;
}

/** How long a node that did not answer is not asked. */
const AVOID_MS = 60_000;

/** @param options.own id of the manager whose cache need not be asked: it is this node's */
export function createPeerCopies(options: {
  readonly ring: PeerRing;
  readonly own: string;
  readonly leastSpeed?: LeastSpeed;
}): PeerCopies {
  const { ring, own, leastSpeed } = options;
  const avoidedUntilMs = new Map<string, number>();
  return {
    async fetch({ key, size }, nodes, target) {
      const nowMs = performance.now();
      const path = `content/${entryName(key, size)}`;
      const tries = nodes.flatMap((url): (PeerTry & { readonly url: string })[] => {
        const peer = parsePeerUrl(url);
        if (peer.manager === own || (avoidedUntilMs.get(url) ?? 0) > nowMs) return [];
        return [{ url, address: peer, access: ring.accessTo(peer.run), path }];
      });
      let asked: (typeof tries)[number] | undefined;
      const next = (failure: PeerFailure | undefined): PeerTry | undefined => {
        const isUseless = failure?.trouble === 'unreachable' || failure?.trouble === 'broken';
        if (isUseless && asked !== undefined) avoidedUntilMs.set(asked.url, performance.now() + AVOID_MS);
        asked = tries.shift();
        return asked;
      };
      if (tries.length === 0) return false;
      try {
        await downloadFromPeers({ size }, next, target, leastSpeed);
        return true;
      } catch (error) {
        if (error instanceof PeerFailure) return false;
        throw error;
      }
    },
  };
}
