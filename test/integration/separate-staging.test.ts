import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  app,
  bash,
  type DataFile,
  type DataFlowKernel,
  file,
  HighThroughputExecutor,
  join as joinApp,
  load,
  type RunEvent,
  type SeparateStagingOptions,
  SluiceError,
  ThreadPoolExecutor,
} from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ScriptedServer } from '../fixtures/http/scripted-server.js';
import { failureOf, thrownBy } from '../fixtures/kernel/failure-of.js';
import { type FtpServerFixture, findVsftpd, startVsftpd } from './vsftpd-server.js';

let server: ScriptedServer;
let folder: string;
beforeAll(async () => {
  server = await ScriptedServer.start();
  vi.stubEnv('SLUICE_HTTP_OPTIONS', JSON.stringify({ retry: { attempts: 1 } }));
  vi.stubEnv('SLUICE_CACHE_MIB', '0');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-separate-'));
});
afterEach(async () => {
  server.files.clear();
  server.requests.length = 0;
  server.onRequest = () => undefined;
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Run {
  readonly kernel: DataFlowKernel;
  readonly events: RunEvent[];
}

async function runWith(separateStaging: SeparateStagingOptions, more: Parameters<typeof load>[0] = {}): Promise<Run> {
  const events: RunEvent[] = [];
  const kernel = await load({
    executors: [
      new ThreadPoolExecutor({ label: 'here', maxThreads: 2 }),
      new ThreadPoolExecutor({ label: 'mover', maxThreads: 1 }),
    ],
    cache: false,
    asDefault: false,
    handleSignals: false,
    runDir: join(folder, 'runs'),
    monitors: [{ record: (event) => void events.push(event), close: async () => {} }],
    ...more,
    separateStaging,
  });
  return { kernel, events };
}

function appsOf(kernel: DataFlowKernel, executors?: string[]) {
  const options = executors === undefined ? { kernel } : { kernel, executors };
  const read = app(async (text: DataFile) => (await import('node:fs/promises')).readFile(text.path, 'utf8'), {
    name: 'read',
    ...options,
  });
  const names = app((text: DataFile, path: string) => [text.url, text.filename, text.path.endsWith(path)], {
    name: 'names',
    ...options,
  });
  const concat = bash(
    (io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}; echo ${io.outputs[0]?.url} > ${io.scratch}/u`,
    {
      name: 'concat',
      ...options,
    },
  );
  return { read, names, concat };
}

const count = (events: readonly RunEvent[], name: string) =>
  events.filter((event) => event.kind === 'taskCreated' && event.app === name).length;
const gets = (path: string) => server.requests.filter((request) => request.method === 'GET' && request.path === path);

describe('inputs', () => {
  test('are brought once for all tasks that read them, by a task that events show, and are gone afterwards', async () => {
    const { kernel, events } = await runWith({ schemes: ['http'], executor: 'mover' });
    server.put('/d/x.txt', 'content');
    const { read, names, concat } = appsOf(kernel, ['here']);
    const input = file(`${server.origin}/d/x.txt`);
    const out = join(folder, 'out');
    const all = [read(input), read(input), names(input, '/x.txt'), concat({ inputs: [input, input], outputs: [out] })];
    expect(await Promise.all(all)).toEqual(['content', 'content', [input.url, 'x.txt', true], 0]);
    expect(await readFile(out, 'utf8')).toBe('contentcontent');
    expect(gets('/d/x.txt')).toHaveLength(1);
    expect(count(events, 'stage-in')).toBe(1);
    const places = events.flatMap((event) =>
      event.kind === 'attemptStarted' ? [`${event.app} ${event.executor}`] : [],
    );
    expect(places.sort()).toEqual(['concat here', 'names here', 'read here', 'read here', 'stage-in mover']);
    const temp = join(kernel.runDir, 'temp');
    await vi.waitFor(() => expect(existsSync(temp) ? readdirSync(temp) : []).toEqual([]));
    expect(await read(input)).toBe('content');
    expect(gets('/d/x.txt')).toHaveLength(2);
    await kernel.close();
  });

  test('that cannot be brought fail who reads them, the cause first; the next call tries anew', async () => {
    const { kernel, events } = await runWith({ schemes: ['http'] });
    const { read } = appsOf(kernel);
    const input = file(`${server.origin}/late.txt`);
    const errors = await Promise.all([failureOf<Error>(read(input)), failureOf<Error>(read(input))]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'DEPENDENCY', cause: { code: 'NOT_FOUND' } });
      expect(error.message).toMatch(/late\.txt.*\[task 0 'stage-in'\]; so task \d 'read' was not run/);
    }
    server.put('/late.txt', 'there now');
    expect(await read(input)).toBe('there now');
    expect(count(events, 'stage-in')).toBe(2);
    await kernel.close();
  });

  test('are retried by themselves, and made again when they are lost', async () => {
    const { kernel, events } = await runWith({ schemes: ['http'] }, { infrastructureRetries: 3 });
    server.put('/x', 'content');
    let refusals = 0;
    server.onRequest = ({ method }) =>
      method === 'GET' && refusals++ < 2 ? { kind: 'status', status: 503 } : undefined;
    const slow = app(
      async (text: DataFile, mark: string) => {
        const { readFile, rm, writeFile } = await import('node:fs/promises');
        const found = await readFile(text.path, 'utf8');
        const isFirst = await writeFile(mark, '', { flag: 'wx' }).then(
          () => true,
          () => false,
        );
        if (!isFirst) return found;
        await rm(text.path);
        throw new Error('again');
      },
      { name: 'slow', kernel, retries: 1 },
    );
    expect(await slow(file(`${server.origin}/x`), join(folder, 'mark'))).toBe('content');
    const attempts = events.flatMap((event) => (event.kind === 'attemptStarted' ? [event.app] : []));
    expect(attempts).toEqual(['stage-in', 'stage-in', 'stage-in', 'slow', 'slow', 'stage-in', 'slow']);
    expect(events.filter((event) => event.kind === 'taskRecovery')).toHaveLength(1);
    await kernel.close();
  });

  test('of other schemes, and inside values, are staged by the task itself', async () => {
    const { kernel, events } = await runWith({ schemes: ['ftp'] });
    server.put('/x', 'content');
    expect(await appsOf(kernel).read(file(`${server.origin}/x`))).toBe('content');
    await kernel.close();
    const other = await runWith({ schemes: ['http'] });
    const pass = app((text: DataFile) => text, { name: 'pass', kernel: other.kernel });
    expect(await appsOf(other.kernel).read(pass(file(`${server.origin}/x`)))).toBe('content');
    await other.kernel.close();
    expect([count(events, 'stage-in'), count(other.events, 'stage-in')]).toEqual([0, 1]);
  });
});

describe('outputs', () => {
  test('are put by a task of their own, after which their future settles; the app sees their URL', async () => {
    const { kernel, events } = await runWith({ schemes: ['http'], executor: 'mover' });
    let letIn = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letIn = resolve;
    });
    const urlOf = app((io) => io.outputs.map(({ url, filename, path }) => [url, filename, path]), {
      name: 'urlOf',
      kernel,
      io: true,
    });
    const url = `${server.origin}/made/x.txt`;
    const failing = urlOf({ outputs: [url] });
    expect(await failureOf(failing)).toMatchObject({ code: 'MISSING_OUTPUT' });
    expect(await failureOf(failing.outputs[0])).toMatchObject({ code: 'DEPENDENCY' });
    const writing = app(
      async (io) => {
        const { writeFile } = await import('node:fs/promises');
        const [output] = io.outputs;
        await writeFile(output?.path ?? '', `${output?.url} ${output?.filename}`);
      },
      { name: 'writing', kernel, io: true, executors: ['here'] },
    );
    const made = writing({ outputs: [url] });
    await made;
    const { read } = appsOf(kernel, ['here']);
    const next = read(made.outputs[0]);
    let isPut = false;
    void made.outputs[0].then(() => {
      isPut = true;
      letIn();
    });
    await gate;
    expect([isPut, String(server.files.get('/made/x.txt')?.content)]).toEqual([true, `${url} x.txt`]);
    expect((await made.outputs[0]).url).toBe(url);
    expect(await next).toBe(`${url} x.txt`);
    expect([count(events, 'stage-out'), count(events, 'stage-in')]).toEqual([2, 1]);
    const temp = join(kernel.runDir, 'temp');
    await vi.waitFor(() => expect(existsSync(temp) ? readdirSync(temp) : []).toEqual([]));
    await kernel.close();
  });

  test('that cannot be put fail their future, not the task; several are put each by its own', async () => {
    const { kernel, events } = await runWith({ schemes: ['http'] });
    server.onRequest = ({ method, path }) =>
      method === 'PUT' && path.endsWith('refused') ? { kind: 'status', status: 403 } : undefined;
    const two = bash((io) => io.sh`echo a > ${io.outputs[0]}; echo b > ${io.outputs[1]}; echo c > ${io.outputs[2]}`, {
      name: 'two',
      kernel,
    });
    const here = join(folder, 'c');
    const made = two({ outputs: [`${server.origin}/refused`, `${server.origin}/taken`, here] });
    expect(await made).toBe(0);
    const [refused, taken, local] = made.outputs;
    expect(await failureOf(refused)).toMatchObject({ code: 'ACCESS_DENIED' });
    expect((await taken).url).toBe(`${server.origin}/taken`);
    expect(await readFile((await local).path, 'utf8')).toBe('c\n');
    expect(String(server.files.get('/taken')?.content)).toBe('b\n');
    expect(count(events, 'stage-out')).toBe(2);
    await kernel.close();
  });

  test('of a join are where they belong when it is done', async () => {
    const { kernel } = await runWith({ schemes: ['http'] });
    let letPut = (): void => {};
    const put = new Promise<void>((resolve) => {
      letPut = resolve;
    });
    server.onRequest = async ({ method }) => {
      if (method === 'PUT') await put;
      return undefined;
    };
    const write = bash((io) => io.sh`echo joined > ${io.outputs[0]}`, { name: 'write', kernel });
    const inner: { future?: PromiseLike<unknown> } = {};
    const outer = joinApp(
      (io) => {
        const future = write({ outputs: [io.outputs[0] as DataFile] });
        inner.future = future;
        return future;
      },
      { name: 'outer', kernel },
    );
    const made = outer({ outputs: [`${server.origin}/joined`] });
    await vi.waitFor(() => expect(inner.future).toBeDefined());
    await inner.future;
    expect(made.status).toBe('joining');
    letPut();
    expect(await made).toBe(0);
    expect(String(server.files.get('/joined')?.content)).toBe('joined\n');
    await kernel.close();
  });
});

test('an executor that there is not, and schemes that nothing moves, are told', async () => {
  const { kernel } = await runWith({ schemes: ['http'], executor: 'nobody' });
  const error = thrownBy<SluiceError>(() => appsOf(kernel).read(file(`${server.origin}/x`)));
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toMatchObject({ code: 'UNKNOWN_LABEL' });
  await kernel.close();
  for (const schemes of [[], ['file'], ['temp'], ['http:'], ['HTTP']]) {
    await expect(runWith({ schemes })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  }
});

test('pilots stage in tasks of their own as well', async () => {
  const { kernel, events } = await runWith(
    { schemes: ['http'] },
    { executors: [new HighThroughputExecutor({ provider: new LocalProvider({}), maxWorkersPerNode: 2 })] },
  );
  server.put('/x', 'content');
  const { read, concat } = appsOf(kernel);
  const made = concat({ inputs: [`${server.origin}/x`], outputs: [`${server.origin}/y`] });
  expect(await read(made.outputs[0])).toBe('content');
  expect([count(events, 'stage-in'), count(events, 'stage-out')]).toEqual([2, 1]);
  await kernel.close();
});

describe.runIf(findVsftpd())('with vsftpd', () => {
  let ftp: FtpServerFixture;
  beforeAll(async () => {
    ftp = await startVsftpd();
  });
  afterAll(() => ftp?.close());

  test('files and folders come and go, in tasks of their own as in the task itself', async () => {
    await mkdir(join(ftp.folder, 'in'), { recursive: true });
    await writeFile(join(ftp.folder, 'in', 'a.txt'), 'A');
    await writeFile(join(ftp.folder, 'in', 'b.txt'), 'B');
    const at = (path: string): string => `ftp://${ftp.user}:${ftp.password}@127.0.0.1:${ftp.port}/${path}`;
    for (const schemes of [['ftp'], ['http']]) {
      const { kernel, events } = await runWith({ schemes });
      const { read } = appsOf(kernel);
      const pack = bash((io) => io.sh`cat ${io.inputs[0]}/*.txt > ${io.outputs[0]}`, { name: 'pack', kernel });
      const name = `out-${schemes[0]}.txt`;
      const made = pack({ inputs: [at('in/')], outputs: [at(name)] });
      expect(await read(made.outputs[0])).toBe('AB');
      expect(await readFile(join(ftp.folder, name), 'utf8')).toBe('AB');
      expect(count(events, 'stage-in')).toBe(schemes[0] === 'ftp' ? 2 : 0);
      await kernel.close();
      const log = await readFile(join(kernel.runDir, 'events.ndjson'), 'utf8');
      expect(log).not.toContain(ftp.password);
    }
  });
});
