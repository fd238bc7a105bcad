import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployLambda } from '../../src/executors/lambda/deploy-lambda.js';
import { startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { ScriptedFtpServer } from '../fixtures/ftp/scripted-ftp-server.js';
import type { SecretPlan } from '../fixtures/secrets/secret-run.js';
import { startScriptedSshServer } from '../fixtures/ssh/scripted-ssh-server.js';

const secret = (kind: string) => `${kind}x${randomBytes(12).toString('hex')}`;

/** Those that tasks never carry. */
const HELD = {
  's3 key': secret('aws'),
  'token of a site': secret('bearer'),
  'password of a site': secret('basic'),
  'password of an ftp host': secret('ftphost'),
};
/** Those that stand in files' URLs, and travel with their tasks. */
const IN_URLS = {
  'password in an http URL': secret('httpurl'),
  'token in an http query': secret('query'),
  'password in an ftp URL': secret('ftpurl'),
  'password in an sftp URL': secret('sftpurl'),
};

let folder: string;
let environment: Record<string, string>;
let plan: Omit<SecretPlan, 'executor' | 'folder'>;
/** What must not be seen, by its name: also such as only the servers' side knows. */
const forbidden: Record<string, string> = {};
const allowedInEnvelopes: Record<string, string> = {};
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'));
  undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const cloud = await startLocalCloud({ secretAccessKey: HELD['s3 key'] });
  undo.push(() => cloud.close());
  const restoreEnv = cloud.applyEnv();
  try {
    const s3 = new S3Client({ forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
    s3.destroy();
    const store = createS3Store({ bucket: 'bucket' });
    await store.put('a.txt', Buffer.from('in s3'));
    const presigned = (method: 'GET' | 'PUT') => store.presign('a.txt', { method, expiresInSeconds: 600 });
    await startBucketOfGoogle(cloud.endpoint);
    const [signed, forWriting] = [await presigned('GET'), await presigned('PUT')];
    await store.close();
    const web = await startWeb();
    undo.push(() => closeServer(web));
    const site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    const ftp = await startFtp();
    const ssh = await startSsh();
    const ofStores = {
      SLUICE_HTTP_OPTIONS: JSON.stringify({
        sites: {
          [`${site}/bearer/`]: { bearer: HELD['token of a site'] },
          [`${site}/basic/`]: { username: 'me', password: HELD['password of a site'] },
        },
        retry: { attempts: 1 },
      }),
      SLUICE_FTP_OPTIONS: JSON.stringify({
        credentials: { localhost: { user: 'alice', password: HELD['password of an ftp host'] } },
        netrcFile: false,
      }),
      SLUICE_SSH_CONFIG: ssh.configFile,
    };
    const role = 'arn:aws:iam::000000000000:role/worker';
    await deployLambda({ role, memoryMiB: 512, timeoutSeconds: 30, environment: ofStores });
    environment = {
      ...ofStores,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(AWS|GOOGLE|STORAGE)_/.test(name))),
    } as Record<string, string>;
    const user = (password: string) => `me:${password}@`;
    const withUser = (url: string, password: string) => url.replace('://', `://${user(password)}`);
    const expired = signed.replace(/X-Amz-Date=\d{8}T/, 'X-Amz-Date=20200101T');
    const querying = (path: string) => `${site}/${path}?token=${IN_URLS['token in an http query']}`;
    const keyFile = process.env.GOOGLE_APPLICATION_CREDENTIALS as string;
    plan = {
      gcs: { endpoint: cloud.endpoint, keyFile },
      reads: [
        's3://bucket/a.txt',
        's3://bucket/missing.txt',
        's3://no-such-bucket/a.txt',
        signed,
        expired,
        `${signed}0`,
        `${site}/bearer/ok`,
        `${site}/bearer/refused`,
        `${site}/basic/ok`,
        `${site}/basic/refused`,
        `${site}/basic/broken`,
        withUser(`${site}/user/ok`, IN_URLS['password in an http URL']),
        withUser(`${site}/user/refused`, IN_URLS['password in an http URL']),
        withUser(`${site}/user/elsewhere`, IN_URLS['password in an http URL']),
        querying('query/ok'),
        querying('query/refused'),
        querying('query/missing'),
        `ftp://${user(IN_URLS['password in an ftp URL'])}127.0.0.1:${ftp.port}/a.txt`,
        `ftp://${user(IN_URLS['password in an ftp URL'])}127.0.0.1:${ftp.port}/missing.txt`,
        `ftp://alice@localhost:${ftp.port}/a.txt`,
        `sftp://me@127.0.0.1:${ssh.port}${ssh.path}`,
        `sftp://me@127.0.0.1:${ssh.port}${ssh.path}-missing`,
        `sftp://refused@127.0.0.1:${ssh.port}${ssh.path}`,
        `sftp://${user(IN_URLS['password in an sftp URL'])}127.0.0.1:${ssh.port}${ssh.path}`,
        `ftp://${user(`${IN_URLS['password in an ftp URL']}0`)}127.0.0.1:${ftp.port}/a.txt`,
        'gs://bucket/a.txt',
        'gs://no-such-bucket/a.txt',
        `nobody://${user(IN_URLS['password in an ftp URL'])}host/a.txt`,
      ],
      writes: [
        's3://bucket/written.txt',
        's3://no-such-bucket/written.txt',
        forWriting,
        signed,
        `${site}/bearer/refused`,
        withUser(`${site}/user/refused`, IN_URLS['password in an http URL']),
        querying('query/refused'),
        `ftp://${user(IN_URLS['password in an ftp URL'])}127.0.0.1:${ftp.port}/b.txt`,
        `ftp://${user(IN_URLS['password in an ftp URL'])}127.0.0.1:${ftp.port}/refused/b.txt`,
        `sftp://me@127.0.0.1:${ssh.port}/proc/none/b.txt`,
        'gs://no-such-bucket/written.txt',
      ],
    };
    const signatures = [signed, forWriting].map((url) => /X-Amz-Signature=(\w+)/.exec(url)?.[1] ?? '');
    Object.assign(allowedInEnvelopes, IN_URLS, { signature: signatures[0], 'signature for writing': signatures[1] });
    const { private_key: googles } = JSON.parse(await readFile(keyFile, 'utf8')) as { private_key: string };
    Object.assign(forbidden, HELD, {
      'basic authentication': base64(`me:${HELD['password of a site']}`),
      'basic authentication of a URL': base64(`me:${IN_URLS['password in an http URL']}`),
      'key of Google': googles.split('\n')[2],
      'key of ssh': ssh.key.split('\n')[2],
    });
  } finally {
    restoreEnv();
  }
}, 60_000);
afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Serves `…/ok` to who knows the secret of the path, says what it was told to the others, and sends `…/elsewhere` on. */
async function startWeb(): Promise<Server> {
  const server = createServer((request, response) => {
    const { url = '', headers, method } = request;
    request.resume();
    const told = `${headers.authorization ?? ''} ${url}`;
    const knows = {
      bearer: headers.authorization === `Bearer ${HELD['token of a site']}`,
      basic: headers.authorization === `Basic ${base64(`me:${HELD['password of a site']}`)}`,
      user: headers.authorization === `Basic ${base64(`me:${IN_URLS['password in an http URL']}`)}`,
      query: url.includes(IN_URLS['token in an http query']),
    }[url.split('/')[1] ?? ''];
    const path = url.split('?')[0] ?? '';
    if (path.endsWith('/elsewhere'))
      response.writeHead(302, { location: `http://localhost:1/${told.length}?${url}` }).end();
    else if (path.endsWith('/missing')) response.writeHead(404).end(told);
    else if (path.endsWith('/broken')) response.writeHead(500).end(told);
    else if (path.endsWith('/ok') && knows === true) response.end(method === 'HEAD' ? '' : 'let in');
    else response.writeHead(403, { 'www-authenticate': `Basic realm="${told}"` }).end(told);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

async function startFtp(): Promise<ScriptedFtpServer> {
  const far = join(folder, 'ftp');
  await mkdir(far);
  await writeFile(join(far, 'a.txt'), 'by ftp');
  const ftp = await ScriptedFtpServer.start(far);
  undo.push(() => ftp.close());
  const passwords = [HELD['password of an ftp host'], IN_URLS['password in an ftp URL']];
  ftp.manners = {
    ...ftp.manners,
    fault: ({ name, argument }) => {
      if (name === 'PASS' && !passwords.includes(argument)) return { reply: `530 not with ${argument}` };
      return argument.includes('refused') ? { reply: `550 no, ${argument}` } : undefined;
    },
  };
  return ftp;
}

async function startSsh(): Promise<{ port: number; path: string; key: string; configFile: string }> {
  const { private: key } = ssh2.utils.generateKeyPairSync('ed25519');
  const at = (name: string) => join(folder, name);
  await writeFile(at('id'), key, { mode: 0o600 });
  await writeFile(at('by-sftp.txt'), 'by sftp');
  const hostKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs1',
    format: 'pem',
  });
  const server = await startScriptedSshServer({
    hostKey: hostKey as string,
    authenticate: (context) => (context.username === 'refused' ? context.reject() : context.accept()),
  });
  undo.push(server.close);
  const lines = [`IdentityFile ${at('id')}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${at('known_hosts')}`];
  await writeFile(at('ssh_config'), `Host *\n  ${[...lines, 'StrictHostKeyChecking accept-new'].join('\n  ')}\n`);
  return { port: server.port, path: at('by-sftp.txt'), key, configFile: at('ssh_config') };
}

async function startBucketOfGoogle(endpoint: string): Promise<void> {
  const body = JSON.stringify({ name: 'bucket' });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${endpoint}/storage/v1/b?project=local-cloud`, { method: 'POST', headers, body });
  const store = createGcsStore({ bucket: 'bucket', endpoint });
  await store.put('a.txt', Buffer.from('in gs'));
  await store.close();
}

interface Seen {
  readonly results: string;
  /** Everything that was seen, by where. */
  readonly places: ReadonlyMap<string, string>;
}

/** Runs the plan in a process of its own, and gathers all that anybody can see of it but what its servers were sent. */
async function runPlan(executor: SecretPlan['executor']): Promise<Seen> {
  const own = await mkdtemp(join(folder, `${executor}-`));
  const path = join(folder, `plan-${executor}.json`);
  await writeFile(path, JSON.stringify({ ...plan, executor, folder: own } satisfies SecretPlan));
  const script = join(import.meta.dirname, '../fixtures/secrets/secret-run.ts');
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const { PATH = '', HOME = '' } = process.env;
  const options = { env: { PATH, HOME, ...environment }, timeout: 110_000, maxBuffer: 2 ** 26 };
  const ended = await new Promise<{ error: Error | null; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, ['--import', tsx, script, path], options, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    );
  });
  if (ended.error !== null) throw new Error(`secret-run ended badly: ${ended.stderr}`);
  const places = new Map([
    ['stdout', ended.stdout],
    ['stderr', ended.stderr],
  ]);
  for (const entry of await readdir(own, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    places.set(relative(own, file), await readFile(file, 'latin1'));
  }
  return { results: places.get('results.txt') ?? '', places };
}

function leaks({ places }: Seen, secrets: Readonly<Record<string, string>>, but: readonly string[] = []): string[] {
  const found: string[] = [];
  for (const [place, content] of places) {
    if (but.includes(place)) continue;
    for (const [name, value] of Object.entries(secrets)) {
      if (content.includes(value)) found.push(`${name} in ${place}`);
    }
    if (/\beyJ[\w-]{20,}\.[\w-]+/.test(content)) found.push(`a token of Google's in ${place}`);
  }
  return found;
}

const outcomesOf = ({ results }: Seen, kind: string) =>
  [...results.matchAll(new RegExp(`^${kind} (\\d+): (ok|failed)`, 'gm'))].map(([, index, how]) => [Number(index), how]);
const succeeded = (seen: Seen, kind: string) =>
  outcomesOf(seen, kind)
    .filter(([, how]) => how === 'ok')
    .map(([index]) => index);

describe.each(['threads', 'htex', 'lambda'] as const)('nothing secret shows of a run on %s', (executor) => {
  test('neither of what went well nor of what failed', async () => {
    const seen = await runPlan(executor);
    // The test is worth nothing unless both happened.
    expect(outcomesOf(seen, 'read')).toHaveLength(plan.reads.length);
    expect(outcomesOf(seen, 'write')).toHaveLength(plan.writes.length);
    expect(succeeded(seen, 'read')).toEqual([0, 3, 6, 8, 11, 14, 17, 19, 20, 25]);
    expect(succeeded(seen, 'write')).toEqual([0, 2, 7]);
    expect([...seen.places.keys()].filter((place) => place.endsWith('events.ndjson'))).toHaveLength(1);
    expect(leaks(seen, { ...forbidden, ...allowedInEnvelopes })).toEqual([]);
  });
});

test('a task’s envelope carries what stands in its URLs, and no other secret', async () => {
  const seen = await runPlan('watching');
  const envelopes = seen.places.get('envelopes.bin') ?? '';
  for (const value of Object.values(allowedInEnvelopes)) expect(envelopes).toContain(value);
  expect(leaks(seen, forbidden)).toEqual([]);
  expect(leaks(seen, { ...forbidden, ...allowedInEnvelopes }, ['envelopes.bin'])).toEqual([]);
});
