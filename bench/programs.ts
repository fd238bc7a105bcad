import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A server that speaks S3, as programs find it. */
export interface S3Server {
  /** Variables that lead there; nothing else of AWS is set. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
}

/** Whether a program is on the path. */
export function hasProgram(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs a program to its end. Rejects with what it said, when it fails. */
export async function run(server: S3Server, command: string, args: readonly string[]): Promise<void> {
  const { PATH = '', HOME = '' } = process.env;
  // Nothing else: rclone cannot load the certificates that some machines name in AWS_CA_BUNDLE.
  const env = { PATH, HOME, AWS_DEFAULT_REGION: 'us-east-1', ...server.env };
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${said}`);
}

/** `sluice stage cp`. */
export function sluiceCopy(server: S3Server, from: string, to: string): Promise<void> {
  return run(server, process.execPath, ['dist/bin/sluice.js', 'stage', 'cp', '-rq', from, to]);
}

/** The least that a program of Node does for it; downwards only. */
export function bareCopy(server: S3Server, from: string, to: string): Promise<void> {
  return run(server, process.execPath, ['bench/bare/s3-sockets.mjs', from, to]);
}

/** `aws s3 cp`. */
export function awsCopy(server: S3Server, from: string, to: string): Promise<void> {
  const endpoint = ['--endpoint-url', server.endpoint];
  return run(server, 'aws', [...endpoint, 's3', 'cp', '--recursive', '--only-show-errors', from, to]);
}

/** `rclone copy` with as many transfers as it takes to be quick. */
export function rcloneCopy(server: S3Server, from: string, to: string): Promise<void> {
  const remote = [
    ':s3,provider=Ceph',
    `endpoint="${server.endpoint}"`,
    `access_key_id=${server.env.AWS_ACCESS_KEY_ID}`,
    `secret_access_key=${server.env.AWS_SECRET_ACCESS_KEY}`,
    'region=us-east-1:',
  ].join(',');
  const named = (place: string): string => place.replace(/^s3:\/\//, remote);
  return run(server, 'rclone', ['--config', '/dev/null', 'copy', '--transfers', '32', named(from), named(to)]);
}

/** Ceph's S3 server on free ports, which ends when it is disposed of. */
export async function startRadosgw(): Promise<S3Server & AsyncDisposable> {
  const script = fileURLToPath(new URL('../infra/local/radosgw-up.sh', import.meta.url));
  const child = spawn('bash', [script, `${await freePort()}`, `${await freePort()}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const env: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    env[name] = value;
    if (name === 'AWS_REGION') break;
  }
  const endpoint = env.AWS_ENDPOINT_URL_S3;
  if (endpoint === undefined) throw new Error('radosgw did not start');
  return {
    env,
    endpoint,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
