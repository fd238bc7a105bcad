import type { AppCode } from '../../task-envelope.js';
import type { Bundle } from '../bundle/bundle.js';

const bundles = new WeakMap<AppCode, Bundle[]>();

/** Keeps a bundle of the code for as long as the code lives, so that places in it can be told in the user's files. */
export function rememberBundle(code: AppCode, bundle: Bundle): void {
  const known = bundles.get(code) ?? [];
  if (!known.some(({ hash }) => hash === bundle.hash)) known.push(bundle);
  bundles.set(code, known);
}

/** The bundle of the code with that hash. */
export function bundleWith(code: AppCode, hash: string): Bundle | undefined {
  return bundles.get(code)?.find((bundle) => bundle.hash === hash);
}
