/** An entity tag without its quotes, as infos of objects have it; empty where there is none. */
export function unquote(etag: string | undefined): string {
  return (etag ?? '').replace(/^"(.*)"$/s, '$1');
}
