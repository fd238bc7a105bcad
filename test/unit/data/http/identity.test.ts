import { expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { httpPlace } from '../../../fixtures/http/http-place.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

test.each([403, 405, 501])('a server that answers %d to HEAD is asked by GET', async (status) => {
  const { server, staging } = await httpPlace();
  server.put('/a', 'content');
  server.put('/empty', '');
  const known = await staging.identity(new DataFile(`${server.origin}/a`));
  server.onRequest = ({ method }) => (method === 'HEAD' ? { kind: 'status', status } : undefined);
  expect(await staging.identity(new DataFile(`${server.origin}/a`))).toEqual(known);
  expect((await staging.identity(new DataFile(`${server.origin}/empty`)))?.size).toBe(0);
  expect(await staging.identity(new DataFile(`${server.origin}/missing`))).toBeUndefined();
});

test('a file that may not be looked at is ACCESS_DENIED', async () => {
  const { server, staging } = await httpPlace();
  server.onRequest = () => ({ kind: 'status', status: 403 });
  expect(await failureOf(staging.identity(new DataFile(`${server.origin}/a`)))).toMatchObject({
    code: 'ACCESS_DENIED',
  });
});

test('a server that tells neither tag nor date, or no size, gives no identity', async () => {
  const { server, staging } = await httpPlace();
  server.put('/a', 'content');
  server.manners = { ...server.manners, tag: 'none', date: false };
  expect(await staging.identity(new DataFile(`${server.origin}/a`))).toEqual({ tag: '', size: 7 });
  server.manners = { ...server.manners, tag: 'strong', length: 'chunked', ranges: 'none' };
  expect((await staging.identity(new DataFile(`${server.origin}/a`)))?.tag).toBe('');
});

test('removing where it is not allowed says so', async () => {
  const { server, staging } = await httpPlace();
  server.onRequest = () => ({ kind: 'status', status: 405 });
  const { signal } = new AbortController();
  const removing = staging.remove?.([new DataFile(`${server.origin}/a`)], signal);
  const error = await failureOf<Error>(removing as Promise<void>);
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('DELETE') });
});
