import type { StagingDeclaration } from '../lazy-staging.js';
import { parsePeerUrl } from './peer-url.js';

/** What a worker process keeps its files in. */
export interface OwnFolder {
  /** Id of its manager. */
  readonly manager: string;
  /** Absolute path. */
  readonly folder: string;
}

/** What the staging of `peer:` URLs says of itself. @param own absent where nothing is kept: a client's */
export function declarePeers(own: OwnFolder | undefined): StagingDeclaration {
  return {
    name: 'peers',
    schemes: ['peer'],
    capabilities: { stageOut: own !== undefined, list: true, remove: false, identity: 'content' },
    isHere: ({ url }) => own !== undefined && parsePeerUrl(url).manager === own.manager,
  };
}
