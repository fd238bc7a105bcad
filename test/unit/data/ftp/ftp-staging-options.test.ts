import { afterEach, expect, test, vi } from 'vitest';
import { type FtpStagingOptions, resolveFtpStagingOptions } from '../../../../src/data/ftp/ftp-staging-options.js';

afterEach(() => vi.unstubAllEnvs());

test('what is left out has its default', () => {
  expect(resolveFtpStagingOptions({})).toEqual({ connections: 4, timeoutMs: 30_000, idleMs: 60_000 });
});

test('what is not given comes from the environment', () => {
  const credentials = { host: { user: 'alice', password: 'secret' } };
  vi.stubEnv('SLUICE_FTP_OPTIONS', JSON.stringify({ credentials, implicitTls: true }));
  expect(resolveFtpStagingOptions()).toMatchObject({ credentials, implicitTls: true, connections: 4 });
  expect(resolveFtpStagingOptions({ connections: 2 })).toEqual({ connections: 2, timeoutMs: 30_000, idleMs: 60_000 });
});

test('what does not fit is named, and no password is shown', () => {
  const credentials = { host: { user: 'alice', password: ['secret-word'] } };
  const options = { credentials, connections: 0, port: 21 } as unknown as FtpStagingOptions;
  expect(() => resolveFtpStagingOptions(options)).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^(?!.*secret-word)(?=.*credentials)(?=.*connections)(?=.*port)/s),
    }),
  );
});

test('an environment that is no JSON is told, and not shown', () => {
  vi.stubEnv('SLUICE_FTP_OPTIONS', '{secret-word');
  expect(() => resolveFtpStagingOptions()).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^(?!.*secret-word).*SLUICE_FTP_OPTIONS is not JSON/),
    }),
  );
});
