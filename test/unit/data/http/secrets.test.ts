import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { createHttpStaging } from '../../../../src/data/http/http-staging.js';
import { httpPlace } from '../../../fixtures/http/http-place.js';
import type { Fault } from '../../../fixtures/http/scripted-server.js';

const SECRET = 'secret-0badc0de';
const { signal } = new AbortController();

const FAULTS: readonly Fault[] = [
  ...[400, 401, 403, 404, 405, 409, 412, 413, 429, 500, 503, 202].map(
    (status) => ({ kind: 'status', status, body: `you said ${SECRET}` }) as const,
  ),
  {
    kind: 'status',
    status: 403,
    headers: { 'content-type': 'application/xml' },
    body: `<Error><Code>AccessDenied</Code><StringToSign>${SECRET}</StringToSign></Error>`,
  },
  { kind: 'status', status: 302, headers: { location: `/elsewhere?token=${SECRET}` } },
  { kind: 'status', status: 302, headers: { location: `ftp://jo:${SECRET}@host/a` } },
  { kind: 'cut', afterBytes: 3 },
];

test('nothing secret is in an error, whatever goes wrong', async () => {
  const { server, folder, staging: unused } = await httpPlace();
  await unused.close();
  const site = { headers: { 'x-key': SECRET } };
  const staging = createHttpStaging({ sites: { [server.origin]: site }, retry: { attempts: 2, baseDelayMs: 1 } });
  const local = join(folder, 'local');
  await writeFile(local, 'content');
  const file = new DataFile(
    `${server.origin.replace('//', `//jo:${SECRET}@`)}/a.txt?X-Amz-Signature=${SECRET}&key=${SECRET}`,
  );
  const attempts: Readonly<Record<string, () => unknown>> = {
    'stage in': () => staging.stageIn(file, { suggestedPath: join(folder, 'copy'), signal }),
    'stage out': () => staging.stageOut(file, { path: local, signal }),
    identity: () => staging.identity(file),
    remove: () => staging.remove?.([file], signal),
  };
  let failures = 0;
  for (const fault of FAULTS) {
    server.put('/a.txt', 'content');
    server.onRequest = () => fault;
    for (const [name, attempt] of Object.entries(attempts)) {
      const error: unknown = await Promise.resolve()
        .then(attempt)
        .catch((reason: unknown) => reason);
      if (error instanceof Error) failures += 1;
      expect(inspect(error, { depth: 10, showHidden: true }), `${name}, ${JSON.stringify(fault)}`).not.toContain(
        SECRET,
      );
    }
  }
  expect(failures).toBeGreaterThan(FAULTS.length * 3);
  expect(server.requests.every(({ headers }) => headers['x-key'] === SECRET)).toBe(true);
  await staging.close();
});
