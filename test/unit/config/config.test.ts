import { type Config, load, type SluiceError } from 'sluice';
import { expect, test } from 'vitest';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';

const refused = (config: object): Promise<SluiceError> => failureOf<SluiceError>(load(config as Config));

test('options that do not exist and options that do not fit are all named at once', async () => {
  const error = await refused({
    retires: 2,
    exitMode: 'wait',
    retries: -1,
    infrastructureRetries: 1.5,
    onClose: 'skip',
    graceMs: 'soon',
    runDir: '',
    cache: { directory: 'relative', maxBytes: 0, verify: 'crc' },
    asDefault: 'yes',
    progress: 1,
    handleSignals: null,
    routing: () => 'a',
    retry: { cost: 1, delay: 5 },
    monitors: [{}],
    executors: ['threads'],
  });
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', class: 'usage' });
  const keys = ['retires', 'exitMode', 'retries', 'infrastructureRetries', 'onClose', 'graceMs', 'runDir', 'asDefault'];
  for (const key of [
    'cache',
    ...keys,
    'retry.cost',
    'delay',
    'progress',
    'handleSignals',
    'routing',
    'monitors[0]',
    'executors[0]',
  ]) {
    expect(error.message).toContain(key);
  }
});

test('an empty list of executors is refused', async () => {
  expect((await refused({ executors: [] })).message).toContain('executors');
});

test('a grace longer than timers can hold is refused, since it would end at once', async () => {
  expect((await refused({ graceMs: 2 ** 31 })).message).toContain('graceMs');
});

test('an executor without a label is refused', async () => {
  const nameless = Object.assign(new ScriptedExecutor(), { label: undefined });
  expect(await refused({ executors: [nameless] })).toMatchObject({ code: 'INVALID_OPTIONS' });
});

test('a config is not changed by loading it', async () => {
  const config = Object.freeze({
    executors: Object.freeze([new ScriptedExecutor()]),
    monitors: Object.freeze([]),
    runDir: '/dev/null/nowhere',
  });
  await failureOf(load(config));
  expect(Object.keys(config)).toEqual(['executors', 'monitors', 'runDir']);
});

test('a list of stagings is one of what their functions give', async () => {
  for (const storageAccess of [[{ kind: 's3' }], { none: [] }, ['s3'], 's3']) {
    const error = await refused({ storageAccess });
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(error.message).toContain('expected a list of what s3Staging()');
  }
});
