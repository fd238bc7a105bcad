import { expect, test } from 'vitest';
import { ftpFailure, isTooMany, isTransient } from '../../../../src/data/ftp/ftp-errors.js';

const reply = (code: number, text: string) => Object.assign(new Error(`${code} ${text}`), { code });
const failure = (error: unknown) => ftpFailure('ftp://me@host:21', error, 'secret');

test.each([
  [421, 'Too many users', 'SERVICE_FAILED', true],
  [425, 'Cannot open data connection', 'SERVICE_FAILED', true],
  [426, 'Failure writing network stream', 'SERVICE_FAILED', true],
  [450, 'File busy', 'SERVICE_FAILED', true],
  [451, 'Failure writing to local file', 'TRANSFER_FAILED', false],
  [452, 'Out of space', 'TRANSFER_FAILED', false],
  [552, 'Over quota', 'TRANSFER_FAILED', false],
  [500, 'Unknown command', 'INVALID_OPTIONS', false],
  [502, 'Not implemented', 'INVALID_OPTIONS', false],
  [522, 'Data connections must be encrypted', 'ACCESS_DENIED', false],
  [530, 'Login incorrect', 'ACCESS_DENIED', false],
  [530, 'Sorry, the maximum number of clients is connected', 'SERVICE_FAILED', true],
  [550, 'No such file or directory', 'NOT_FOUND', false],
  [550, 'x: The system cannot find the file specified', 'NOT_FOUND', false],
  [550, 'Permission denied', 'ACCESS_DENIED', false],
  [553, 'Prohibited file name', 'ACCESS_DENIED', false],
  [550, 'Failed to open file', 'TRANSFER_FAILED', false],
])('%i %s', (code, text, expected, again) => {
  const error = failure(reply(code, text));
  expect(error).toMatchObject({ code: expected, reply: code });
  expect(isTransient(error)).toBe(again);
});

test('too many connections are told from a connection that failed', () => {
  expect(isTooMany(failure(reply(421, 'Too many')))).toBe(true);
  expect(isTooMany(failure(reply(530, 'Too many')))).toBe(true);
  expect(isTooMany(failure(reply(426, 'Cut')))).toBe(false);
  expect(isTooMany(failure(new Error('ECONNRESET')))).toBe(false);
});

test('a server that wants TLS is told of as one', () => {
  expect(failure(reply(530, 'Non-anonymous sessions must use encryption.')).message).toContain('write ftps:');
});

test.each([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'HOST_NOT_TRUSTED'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOST_NOT_TRUSTED'],
  ['CERT_HAS_EXPIRED', 'HOST_NOT_TRUSTED'],
  ['ENOTFOUND', 'NOT_FOUND'],
  ['ECONNREFUSED', 'SERVICE_FAILED'],
])('%s is %s', (code, expected) => {
  expect(failure(Object.assign(new Error('system'), { code }))).toMatchObject({ code: expected });
});

test('a password that a server repeats is not passed on, nor an error that has it', () => {
  const error = failure(reply(530, 'no secret for you'));
  expect(error.message).toContain('no *** for you');
  expect(error.cause).toBeUndefined();
});
