import {
  customStaging,
  fileStaging,
  ftpStaging,
  gcsStaging,
  globusStaging,
  httpStaging,
  listFiles,
  load,
  rsyncStaging,
  type SluiceError,
  s3Staging,
  sftpStaging,
  zipStaging,
} from 'sluice';
import { describe, expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../../fixtures/kernel/failure-of.js';
import { temporaryFolder } from '../../data/temporary-folder.js';

const labelled = new URL('../../../fixtures/staging/own/labelled.ts', import.meta.url);
const refusal = (describe: () => unknown) => thrownBy<SluiceError>(describe);

test('each is plain data, which says what it was told and no default', () => {
  expect(s3Staging({ match: 's3://public/', region: 'us-west-2' })).toEqual({
    kind: 'builtIn',
    name: 's3',
    match: ['s3://public/'],
    options: { region: 'us-west-2' },
  });
  expect(gcsStaging({ anonymous: true, userProject: 'payer' }).options).toEqual({
    authentication: 'none',
    userProject: 'payer',
  });
  for (const create of [
    fileStaging,
    s3Staging,
    gcsStaging,
    httpStaging,
    sftpStaging,
    ftpStaging,
    globusStaging,
    zipStaging,
    rsyncStaging,
  ]) {
    expect(create()).toEqual({ kind: 'builtIn', name: create.name.slice(0, -'Staging'.length), options: {} });
  }
  expect(customStaging(labelled, { label: 'a' }, { match: 'lab:' })).toEqual({
    kind: 'module',
    module: labelled.href,
    match: ['lab:'],
    options: { label: 'a' },
  });
});

test('a beginning of URLs is a whole bucket or host', () => {
  expect(s3Staging({ match: 's3://public' }).match).toEqual(['s3://public/']);
  expect(httpStaging({ match: ['https://host', 'https://host/a'] }).match).toEqual(['https://host/', 'https://host/a']);
  expect(s3Staging({ match: 's3:' }).match).toEqual(['s3:']);
});

describe('what cannot be is refused where it is written', () => {
  test.each([
    ['a match without a scheme', () => s3Staging({ match: 'public-data' }), 'the beginning of URLs'],
    ['no match at all', () => s3Staging({ match: [] }), 'the beginning of URLs'],
    ['a module that is not there', () => customStaging(new URL('./none.ts', import.meta.url)), 'customStaging()'],
  ])('%s', (_, create, text) => {
    const error = refusal(create);
    expect(['INVALID_OPTIONS', 'NOT_FOUND']).toContain(error.code);
    expect(error.message).toContain(text);
  });

  test('options of a module that cannot be sent are named by their path', () => {
    const error = refusal(() => customStaging(labelled, { nested: { call: () => 1 } }));
    expect(error).toMatchObject({ code: 'NOT_SENDABLE' });
    expect(error.message).toContain('.nested.call');
  });
});

describe('options that do not exist, or do not fit, are refused by load and by the client’s questions', () => {
  test.each([
    ['file', fileStaging({ folder: '/x' } as object), '`folder`'],
    ['s3', s3Staging({ bucketName: 'x', anonymous: true, requesterPays: true } as object), 'bucketName'],
    ['s3', s3Staging({ anonymous: true, requesterPays: true }), 'somebody has to pay'],
    ['gcs', gcsStaging({ endpoint: 'ftp://x' }), 'endpoint'],
    ['http', httpStaging({ sites: { 'https://h/': { expectType: ['csv'] } } }), 'media type'],
    ['sftp', sftpStaging({ channels: 0 }), 'channels'],
    ['ftp', ftpStaging({ connections: -1 }), 'connections'],
    ['globus', globusStaging({ endpointId: 'none' }), 'endpointId'],
    ['zip', zipStaging({ largestRatio: 'high' } as object), 'largestRatio'],
    ['rsync', rsyncStaging({ ssh: ['a b'] }), 'ssh'],
    ['s3', { kind: 'builtIn', name: 's3', options: { secretAccessKey: 'hunter2' } } as const, 'secretAccessKey'],
  ])('%sStaging', async (name, entry, text) => {
    for (const asked of [
      load({ storageAccess: [entry], asDefault: false, runDir: await temporaryFolder() }),
      listFiles('s3://bucket/', { storageAccess: { only: [entry] } }),
    ]) {
      const error = await failureOf<SluiceError>(asked);
      expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
      expect(error.message).toContain(`${name}Staging options: `);
      expect(error.message).toContain(text);
      expect(error.message).not.toContain('hunter2');
    }
  });
});

describe('secrets are refused, by name and without their value, with the way that workers get them', () => {
  const keys = { accessKeyId: 'AKIA', secretAccessKey: 'hunter2' };
  test.each([
    ['keys of S3', () => s3Staging({ credentials: keys } as object), 'credentials', 'AWS_ACCESS_KEY_ID'],
    ['a key of S3 alone', () => s3Staging({ secretAccessKey: 'hunter2' } as object), 'secretAccessKey', 'AWS_PROFILE'],
    [
      'a key of Cloud Storage',
      () => gcsStaging({ credentials: { client_email: 'a', private_key: 'hunter2' } } as object),
      'credentials',
      'GOOGLE_APPLICATION_CREDENTIALS',
    ],
    [
      'a token',
      () => httpStaging({ sites: { 'https://h/': { bearer: 'hunter2' } } } as object),
      'bearer',
      'SLUICE_HTTP_OPTIONS',
    ],
    [
      'a password of a site',
      () => httpStaging({ sites: { 'https://h/': { username: 'me', password: 'hunter2' } } } as object),
      'username',
      'SLUICE_HTTP_OPTIONS',
    ],
    [
      'a header',
      () => httpStaging({ sites: { 'https://h/': { headers: { 'X-Api-Key': 'hunter2' } } } }),
      'X-Api-Key',
      'SLUICE_HTTP_OPTIONS',
    ],
    [
      'ftp',
      () => ftpStaging({ credentials: { h: { user: 'u', password: 'hunter2' } } } as object),
      'credentials',
      '.netrc',
    ],
    ['a password of ssh', () => sftpStaging({ password: 'hunter2' } as object), 'password', 'agent'],
    ['the passphrase of a key', () => sftpStaging({ passphrase: 'hunter2' } as object), 'passphrase', 'agent'],
    ['a token of Globus', () => globusStaging({ accessToken: 'hunter2' } as object), 'accessToken', 'tokenFile'],
    ['rsync', () => rsyncStaging({ password: 'hunter2' } as object), 'password', 'RSYNC_PASSWORD'],
    ['a URL to match', () => httpStaging({ match: 'https://me:hunter2@h/' }), 'match', 'without user name'],
    ['a signature to match', () => httpStaging({ match: 'https://h/a?X-Amz-Signature=hunter2' }), 'match', 'query'],
    ['an endpoint', () => s3Staging({ endpoint: 'http://me:hunter2@h' }), 'endpoint', 'without user name'],
    [
      'what a module is given',
      () => customStaging(labelled, { login: { password: 'hunter2' } }),
      'login.password',
      'variable',
    ],
    [
      'a URL that a module is given',
      () => customStaging(labelled, { at: 'https://me:hunter2@h/' }),
      '`at`',
      'variable',
    ],
    [
      'a list that a module is given',
      () => customStaging(labelled, { of: [{ apiKey: 'hunter2' }] }),
      'of.0.apiKey',
      'variable',
    ],
  ])('%s', (_, create, name, way) => {
    const error = refusal(create);
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(error.message).toContain(name);
    expect(error.message).toContain(way);
    expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('hunter2');
  });

  test('where a secret is may be said', () => {
    const options = { tokenFile: '/run/token', passwordVariable: 'NOTES_PASSWORD', passwords: 0, secret: '' };
    expect(customStaging(labelled, options).options).toEqual(options);
    expect(ftpStaging({ netrcFile: '/run/netrc' }).options).toEqual({ netrcFile: '/run/netrc' });
  });
});
