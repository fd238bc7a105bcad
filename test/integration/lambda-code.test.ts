import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { app, apps, type SluiceError } from '../../src/index.js';
import type * as tasks from '../fixtures/code-shipping/tasks.js';
import { packageFiles, type TemporaryProject, temporaryProject } from '../fixtures/code-shipping/temporary-project.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { keysIn } from './bucket-cloud.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { type LambdaRun, lambdaRun } from './lambda-run.js';

const TASKS = new URL('../fixtures/code-shipping/tasks.js', import.meta.url);
/** More than a payload holds inline. */
const LARGE = `/* not a comment that may go */ export const large = '${'x'.repeat(5 * 2 ** 20)}';`;

let cloud: DeployedCloud;
let project: TemporaryProject;
beforeAll(async () => {
  project = await temporaryProject({
    ...packageFiles('small', 'export const double = (n) => n * 2; export class Model { loads = 0; }'),
    ...packageFiles('large', LARGE),
    ...packageFiles('medium', `export const medium = '${'y'.repeat(100_000)}';`),
    'flow.mjs': `export default {
      double: async (n) => (await import('small')).double(n),
      medium: async () => (await import('medium')).medium.length,
      large: async () => (await import('large')).large.length,
      lost: async () => (await import('lost')).lost,
      fails: async (value) => (await import('small')).double(value.nothing.here),
      loads: async (io) => ++io.context.loads,
      setup: async () => new (await import('small')).Model(),
    };
    export const define = (app, fn, options) => app(fn, options);`,
  });
  cloud = await startDeployedCloud();
});
afterAll(async () => {
  await cloud?.close();
  await project?.[Symbol.asyncDispose]();
});

type Functions = Record<'double' | 'medium' | 'large' | 'lost' | 'fails' | 'loads' | 'setup', never>;
type Call = (...args: unknown[]) => PromiseLike<unknown>;

/** A function of the project's flow as an app of that flow. */
async function defined(run: LambdaRun, name: keyof Functions, options: object = {}): Promise<Call> {
  const flow = await import(/* @vite-ignore */ project.url('flow.mjs'));
  const functions = flow.default as Functions;
  const setup = name === 'loads' ? { io: true, setup: functions.setup } : {};
  return flow.define(app, functions[name], { name, kernel: run.kernel, ...setup, ...options });
}

describe('without a bucket', () => {
  test('functions go to Lambda with the packages they import', async () => {
    await using run = await lambdaRun();
    const double = await defined(run, 'double');
    expect(await Promise.all([double(1), double(2), double(3)])).toEqual([2, 4, 6]);
    expect(await (await defined(run, 'medium'))()).toBe(100_000);
  });

  test('modules go there, and are loaded once an environment', async () => {
    await using run = await lambdaRun({ maxConcurrency: 1 });
    const { next, shout } = apps<typeof tasks>(TASKS, { kernel: run.kernel, exports: { place: { io: true } } });
    expect(await shout('hey')).toBe('HEY!');
    expect(await next()).toBe(1);
    expect(await next()).toBe(2);
  });

  test('a setup runs once an environment', async () => {
    await using run = await lambdaRun({ maxConcurrency: 1 });
    const loads = await defined(run, 'loads');
    expect(await loads()).toBe(1);
    expect(await loads()).toBe(2);
  });

  test('code that is too large is refused, saying what would carry it', async () => {
    await using run = await lambdaRun();
    const error = await failureOf<SluiceError>((await defined(run, 'large'))());
    expect(error).toMatchObject({ code: 'NOT_SENDABLE', class: 'usage' });
    expect(error.message).toMatch(
      /^task 0 'large' is 5\.0 MiB, 5\.0 MiB of them the code it imports, more than a Lambda payload holds: give LambdaExecutor a bucket$/,
    );
  });

  test('an import that cannot be resolved is told before anything is sent', async () => {
    await using run = await lambdaRun();
    const error = await failureOf<SluiceError>((await defined(run, 'lost'))());
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE', class: 'usage' });
    expect(error.message).toContain("app 'lost' cannot be sent to a worker: its import 'lost' cannot be resolved from");
    expect(error.message).toMatch(/\n {2}defined at .*flow\.mjs:10:\d+/);
  });

  test('the stack of a failure there points at the file here', async () => {
    await using run = await lambdaRun();
    const error = await failureOf<Error>((await defined(run, 'fails'))({}));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.stack).toContain(`${join(project.path, 'flow.mjs')}:6:`);
  });
});

describe('with a bucket', () => {
  test('large code lies there once for the whole run, and goes with it', async () => {
    const run = await lambdaRun({ bucket: cloud.bucket });
    try {
      const [large, again] = [await defined(run, 'large'), await defined(run, 'large', { name: 'again' })];
      expect(await Promise.all([large(), large(), again()])).toEqual(Array(3).fill(5 * 2 ** 20));
      const code = (await keysIn(cloud.bucket)).filter((key) => key.includes('/code/'));
      expect(code).toEqual([expect.stringMatching(/^sluice\/.+\/lambda\/code\/[0-9a-f]{64}\.mjs$/)]);
      expect(await (await defined(run, 'double'))(4)).toBe(8);
      expect((await keysIn(cloud.bucket)).filter((key) => key.includes('/code/'))).toEqual(code);
    } finally {
      await run[Symbol.asyncDispose]();
    }
    expect(await keysIn(cloud.bucket)).toEqual([]);
  });
});
