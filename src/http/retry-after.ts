/**
 * Wait that a `Retry-After` header asks for, in milliseconds from `nowMs` on; `undefined` where it is missing or says
 * nothing. Seconds or an HTTP date. Source: RFC 9110, 10.2.3.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
