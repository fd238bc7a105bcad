import { PRELUDE, VITE_DYNAMIC_IMPORT } from './prelude.js';
import { type ImportSite, resolveViteSpecifier } from './vite-specifier.js';

const VITE_SPECIFIER = '__sluice_vite_specifier';

/** What a shipped function is given by name, for {@link PRELUDE_HEAD} and the function itself. */
export const SUPPLIED_NAMES: readonly string[] = [...Object.keys(PRELUDE), VITE_SPECIFIER];

/** The statement, on one line, that stands before the function where those names are known. */
export const PRELUDE_HEAD: string = `const ${VITE_DYNAMIC_IMPORT} = (specifier, options) => import(${VITE_SPECIFIER}(specifier), options);`;

/** The values of {@link SUPPLIED_NAMES}, in their order, for a function whose imports resolve from `site`. */
export function suppliedAt(site: ImportSite): Readonly<Record<string, unknown>> {
  return { ...PRELUDE, [VITE_SPECIFIER]: (specifier: unknown) => resolveViteSpecifier(specifier, site) };
}
