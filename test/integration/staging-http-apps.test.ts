import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  app,
  bash,
  type DataFile,
  type DataFlowKernel,
  file,
  HighThroughputExecutor,
  type Io,
  load,
  ThreadPoolExecutor,
} from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ScriptedServer } from '../fixtures/http/scripted-server.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { findNginx, type Nginx, startNginx } from './nginx-server.js';

const TOKEN = 'secret-token-1';
let server: ScriptedServer;
let folder: string;
let kernel: DataFlowKernel;
beforeAll(async () => {
  server = await ScriptedServer.start();
  folder = await mkdtemp(join(tmpdir(), 'sluice-http-apps-'));
  const sites = { [`${server.origin}/private/`]: { bearer: TOKEN } };
  vi.stubEnv('SLUICE_HTTP_OPTIONS', JSON.stringify({ sites, retry: { attempts: 2 } }));
  kernel = await load({
    executors: [
      new ThreadPoolExecutor({ label: 'threads', maxThreads: 2 }),
      new HighThroughputExecutor({ label: 'pilots', provider: new LocalProvider({}), maxWorkersPerNode: 2 }),
    ],
    asDefault: false,
    handleSignals: false,
    runDir: folder,
  });
});
afterAll(async () => {
  await kernel?.close();
  await server?.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});
afterEach(() => {
  server.files.clear();
  server.requests.length = 0;
});

describe.each(['threads', 'pilots'])('on %s', (label) => {
  const readers = () => {
    const options = { kernel, executors: [label] };
    const read = async (text: DataFile) => {
      const { readFile } = await import('node:fs/promises');
      return readFile(text.path, 'utf8');
    };
    return {
      read: app(read, { name: 'read', ...options }),
      readNested: app(
        async ({ from }: { from: { text: DataFile }[] }) => {
          const { readFile } = await import('node:fs/promises');
          return readFile(from[0]?.text.path ?? '', 'utf8');
        },
        { name: 'readNested', ...options },
      ),
      concat: bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'concat', ...options }),
      say: bash((word: string, io: Io) => io.sh`echo ${word}; echo ${word} >&2`, { name: 'say', ...options }),
    };
  };

  test('a file of a web server is an argument, alone or within one, and an input', async () => {
    server.put('/a/x.txt', 'first ');
    server.put('/b/x.txt', 'second');
    const { read, readNested, concat } = readers();
    const [first, second] = ['a', 'b'].map((name) => file(`${server.origin}/${name}/x.txt`));
    expect(await read(first as DataFile)).toBe('first ');
    expect(await readNested({ from: [{ text: second as DataFile }] })).toBe('second');
    const out = join(folder, `both-${label}.txt`);
    await concat({ inputs: [first as DataFile, second as DataFile], outputs: [out] });
    expect(readFileSync(out, 'utf8')).toBe('first second');
  });

  test('an output goes to a web server, and from there to the next task', async () => {
    server.put('/a.txt', 'content');
    const { read, concat } = readers();
    const made = concat({ inputs: [`${server.origin}/a.txt`], outputs: [`${server.origin}/made/${label}.txt`] });
    expect(await read(made.outputs[0])).toBe('content');
    expect(String(server.files.get(`/made/${label}.txt`)?.content)).toBe('content');
  });

  test('streams go there as well', async () => {
    const { say } = readers();
    await say('hello', { stdout: `${server.origin}/out.txt`, stderr: `${server.origin}/err.txt` });
    for (const name of ['out', 'err']) expect(String(server.files.get(`/${name}.txt`)?.content)).toBe('hello\n');
  });

  test('a page that says there is no such file is no input', async () => {
    const { read } = readers();
    const error = await failureOf<Error>(read(file(`${server.origin}/missing.txt`)));
    expect(error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('missing.txt') });
    expect(server.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
  });

  test('a token of the environment opens what is private, and nothing secret is written down', async () => {
    server.put('/private/a.txt', 'content');
    server.onRequest = ({ path, headers }) => {
      if (!path.startsWith('/private/')) return undefined;
      return headers.authorization === `Bearer ${TOKEN}` ? undefined : { kind: 'status', status: 403 };
    };
    const { read, concat } = readers();
    expect(await read(file(`${server.origin}/private/a.txt`))).toBe('content');
    const secret = `${server.origin.replace('//', '//jo:secret-2@')}/missing?X-Amz-Signature=secret-3`;
    const failed = await failureOf<Error>(concat({ inputs: [secret], outputs: [`${folder}/never`] }));
    const unwritten = bash((io) => io.sh`true`, { name: 'unwritten', kernel, executors: [label] });
    const missing = await failureOf<Error>(unwritten({ outputs: [secret] }));
    expect(failed).toMatchObject({ code: 'NOT_FOUND' });
    expect(missing).toMatchObject({ code: 'MISSING_OUTPUT' });
    for (const { stack } of [failed, missing]) expect(stack).not.toMatch(/secret-[123]|secret-token/);
    for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      expect(readFileSync(join(name.parentPath, name.name), 'latin1'), name.name).not.toMatch(
        /secret-[123]|secret-token/,
      );
    }
  });
});

describe.skipIf(!findNginx())('with nginx', () => {
  let nginx: Nginx;
  beforeAll(async () => {
    nginx = await startNginx();
  });
  afterAll(() => nginx?.close());

  test('https: files come to workers that know the authority', async () => {
    await writeFile(join(nginx.place, 'a.txt'), 'secure');
    vi.stubEnv('NODE_EXTRA_CA_CERTS', nginx.certificate);
    const executor = new HighThroughputExecutor({
      label: 'secure',
      provider: new LocalProvider({}),
      maxWorkersPerNode: 1,
    });
    await kernel.addExecutors([executor]);
    const copy = bash((io) => io.sh`cp ${io.inputs} ${io.outputs[0]}`, { name: 'copy', kernel, executors: ['secure'] });
    const made = copy({
      inputs: [`${nginx.secureOrigin}/place/a.txt`],
      outputs: [`${nginx.secureOrigin}/place/b.txt`],
    });
    await made;
    expect(readFileSync(join(nginx.place, 'b.txt'), 'utf8')).toBe('secure');
  });
});
