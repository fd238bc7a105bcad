/**
 * Until when a presigned URL may be used, in milliseconds since the epoch; `undefined` for URLs without a signature.
 *
 * Sources: "Authenticating requests: using query parameters", Amazon S3 API Reference (`X-Amz-…`, and `Expires` of
 * version 2); "Signed URLs", Cloud Storage (`X-Goog-…`); "Create a service SAS", Azure Storage (`se`, `sig`).
 */
export function signedUntilMs(url: URL): number | undefined {
  const query = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]));
  for (const vendor of ['amz', 'goog']) {
    const from = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get(`x-${vendor}-date`) ?? '');
    const [year = 0, month = 1, ...rest] = (from ?? []).slice(1).map(Number);
    if (from !== null)
      return Date.UTC(year, month - 1, ...rest) + Number(query.get(`x-${vendor}-expires`) ?? 0) * 1_000;
  }
  if (query.has('signature') && /^\d+$/.test(query.get('expires') ?? '')) return Number(query.get('expires')) * 1_000;
  const until = query.has('sig') ? Date.parse(query.get('se') ?? '') : Number.NaN;
  return Number.isNaN(until) ? undefined : until;
}
