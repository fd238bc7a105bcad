import type { DataFile } from './data-file.js';
import type { Staging } from './staging.js';

/** The staging for those URLs alone that begin so; user name and password of a URL do not count. */
export function matchingStaging(staging: Staging, beginnings: readonly string[]): Staging {
  const fits = ({ url }: DataFile): boolean => {
    const plain = url.replace(USER, '$1');
    return beginnings.some((beginning) => plain.startsWith(beginning) || url.startsWith(beginning));
  };
  return {
    ...staging,
    canStageIn: (file) => fits(file) && staging.canStageIn(file),
    canStageOut: (file) => fits(file) && staging.canStageOut(file),
  };
}

// Not of object stores, whose bucket has no user.
const USER = /^((?!s3:|gs:)[a-z0-9+.-]+:\/\/)[^/?#@]*@/;
