import { describe, expect, test } from 'vitest';
import { parseFunctionName } from '../../../../src/local-cloud/lambda/function-name.js';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f';

describe('parseFunctionName', () => {
  test.each([
    ['f', 'f', '$LATEST'],
    ['f:7', 'f', '7'],
    ['function:f', 'f', '$LATEST'],
    ['000000000000:function:f:$LATEST', 'f', '$LATEST'],
    [ARN, 'f', '$LATEST'],
    [`${ARN}:live`, 'f', 'live'],
  ])('reads %s', (text, name, qualifier) => {
    expect(parseFunctionName(text, 'us-east-1')).toEqual({ name, qualifier });
  });

  test.each([ARN.replace('us-east-1', 'eu-west-1'), ARN.replaceAll('0', '1')])('does not find %s here', (text) => {
    expect(() => parseFunctionName(text, 'us-east-1')).toThrow(`Function not found: ${text}`);
  });

  test.each(['', 'a b', '../f', 'f'.repeat(65), 'arn:aws:s3:::f', 'f:7:8'])('refuses %j', (text) => {
    expect(() => parseFunctionName(text, 'us-east-1')).toThrow(
      expect.objectContaining({ name: 'InvalidParameterValueException' }),
    );
  });
});
