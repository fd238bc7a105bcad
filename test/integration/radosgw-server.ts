import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { requireOrSkip } from './required-server.js';

/** A radosgw of our own. */
export interface Radosgw {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The process that everything dies with. */
  readonly pid: number;
  close(): Promise<void>;
}

/** Whether radosgw's programs are here; see {@link requireOrSkip}. */
export function findRadosgw(): boolean {
  const install = 'apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common';
  return PROGRAMS.every((command) => requireOrSkip('radosgw', { command, install }));
}

/**
 * Starts Ceph's S3 server on free ports, with its data in memory and its settings in a folder below `folder`. It ends with this process, however that ends: the
 * pipe to its standard input is what holds it.
 */
export async function startRadosgw({ folder = tmpdir() }: { readonly folder?: string } = {}): Promise<Radosgw> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOn([await freePort(), await freePort()], folder);
    } catch (error) {
      // Somebody else may have taken a port between the choice and its use.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

const PROGRAMS = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'setpriv'];
const ATTEMPTS = 3;
/** Says its settings once it is up, and runs until its standard input ends. */
export const RADOSGW_SCRIPT: string = fileURLToPath(new URL('../../infra/local/radosgw-up.sh', import.meta.url));

async function startOn(ports: readonly number[], folder: string): Promise<Radosgw> {
  const child = spawn('bash', [RADOSGW_SCRIPT, ...ports.map(String)], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['pipe', 'pipe', 'pipe'],
    // Away from the terminal's Ctrl-C, which the tests get too: they end it.
    detached: true,
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4_000);
  });
  const settings = new Map<string, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    settings.set(name, value);
    if (settings.size === SETTINGS) return opened(child, settings);
  }
  throw new Error(`radosgw did not start: ${complaint}`);
}

/** Endpoint, two keys, region. */
const SETTINGS = 4;

function opened(child: ChildProcess, settings: ReadonlyMap<string, string>): Radosgw {
  const setting = (name: string) => settings.get(name) ?? '';
  return {
    endpoint: setting('AWS_ENDPOINT_URL_S3'),
    credentials: {
      accessKeyId: setting('AWS_ACCESS_KEY_ID'),
      secretAccessKey: setting('AWS_SECRET_ACCESS_KEY'),
    },
    pid: child.pid ?? 0,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}
