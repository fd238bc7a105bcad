import { SluiceError } from '../errors.js';
import type { DataFile } from './data-file.js';
import { shownUrl } from './shown-url.js';
import type { Staging } from './staging.js';

/** The first provider that moves a file in that direction. @throws {SluiceError} `NO_STAGING`, naming the schemes that are known */
export function providerOf(providers: readonly Staging[], file: DataFile, can: 'canStageIn' | 'canStageOut'): Staging {
  const found = providers.find((provider) => provider[can](file));
  if (found !== undefined) return found;
  const known = [...new Set(providers.flatMap(({ schemes }) => schemes))].map((scheme) => `${scheme}:`).join(', ');
  const direction = can === 'canStageIn' ? 'read' : 'write';
  throw new SluiceError(
    'NO_STAGING',
    `no staging can ${direction} ${shownUrl(file.url)}: known here are ${known || 'none'}`,
  );
}
