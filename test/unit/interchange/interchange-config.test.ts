import { expect, test } from 'vitest';
import {
  encodeInterchangeConfig,
  type InterchangeConfig,
  parseInterchangeAnswer,
  parseInterchangeConfig,
} from '../../../src/interchange/interchange-config.js';

const config: InterchangeConfig = {
  host: '0.0.0.0',
  ports: { from: 54_000, to: 55_000 },
  security: { server: { publicKey: 'p', secretKey: 'the secret key' }, allow: ['a'] },
  token: 'the token',
  heartbeatMs: 1,
  heartbeatThresholdMs: 2,
  maxMessageBytes: 3,
  reclaimMs: 4,
  selector: { module: 'file:///x.js', export: 'y' },
};

test('a configuration is one line, and comes back as it was', () => {
  const line = encodeInterchangeConfig(config);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(parseInterchangeConfig(line)).toEqual(config);
});

test('what does not fit is named, and no secret shown', () => {
  const wrong = JSON.stringify({ ...config, selector: 'best', ports: { from: -1, to: 70_000 } });
  expect(() => parseInterchangeConfig(wrong)).toThrow(/selector[\s\S]*ports/);
  expect(() => parseInterchangeConfig(wrong)).not.toThrow(/the secret key|the token/);
  expect(() => parseInterchangeConfig('{')).toThrow(/the configuration of an interchange/);
});

test('an answer is a port, or an error with its code', () => {
  expect(parseInterchangeAnswer('{"port":5}')).toEqual({ port: 5 });
  const failed = '{"error":{"code":"ADDRESS_IN_USE","message":"in use"}}';
  expect(() => parseInterchangeAnswer(failed)).toThrow(
    expect.objectContaining({ code: 'ADDRESS_IN_USE', message: 'in use' }),
  );
  expect(() => parseInterchangeAnswer('Killed')).toThrow(expect.objectContaining({ code: 'INTERCHANGE_LOST' }));
});
