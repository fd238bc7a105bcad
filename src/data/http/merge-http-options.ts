import type { HttpSite, HttpStagingOptions } from './http-staging-options.js';
import { findSiteIn } from './site-list.js';

/**
 * Options of two origins as one: those of `over` count before those of `under`, also within what both say of a site. So a
 * script can say what it expects of a site whose token is in the worker's environment.
 */
export function mergeHttpOptions(under: HttpStagingOptions, over: HttpStagingOptions): HttpStagingOptions {
  const sites: Record<string, HttpSite> = {};
  for (const key of new Set([...Object.keys(under.sites ?? {}), ...Object.keys(over.sites ?? {})])) {
    sites[key] = { ...siteAt(key, under), ...siteAt(key, over) };
  }
  return { ...under, ...over, sites };
}

function siteAt(key: string, { sites = {} }: HttpStagingOptions): HttpSite {
  return URL.canParse(key) ? findSiteIn({ sites })(new URL(key)) : (sites[key] ?? {});
}
