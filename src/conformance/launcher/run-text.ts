import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Launch } from '../../launchers/launcher.js';
import type { Stage } from './fixture.js';

/** How a text ended. */
export interface TextEnd {
  /** 128 and the signal's number when a signal ended the shell. */
  readonly exitCode: number;
  readonly output: string;
}

/** A text that runs, as the script of a job does: in a process group of its own. */
export interface RunningText {
  readonly shell: ChildProcess;
  readonly ended: Promise<TextEnd>;
  /** To the shell alone, or to its whole group. */
  signal(to: 'shell' | 'group'): void;
}

const DEADLINE_MS = 20_000;

/** Runs the text that the launcher makes of a launch. What runs after 20 s is killed. */
export function startText({ launcher, env, folder }: Stage, launch: Launch): RunningText {
  const shell = spawn('/bin/bash', ['-c', launcher.wrap(launch)], {
    cwd: folder,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = shell.pid as number;
  const send = (to: number, signal: NodeJS.Signals): void => {
    try {
      process.kill(to, signal);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    }
  };
  const timer = setTimeout(send, DEADLINE_MS, -pid, 'SIGKILL');
  let output = '';
  shell.stdout.on('data', (chunk) => {
    output += chunk;
  });
  shell.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise<TextEnd>((resolve, reject) => {
    shell.once('error', reject);
    shell.once('close', (code, signal) => {
      clearTimeout(timer);
      send(-pid, 'SIGKILL');
      resolve({ exitCode: code ?? (signal === 'SIGTERM' ? 143 : 137), output });
    });
  });
  return { shell, ended, signal: (to) => send(to === 'group' ? -pid : pid, 'SIGTERM') };
}

/** The same, to its end. */
export function runText(stage: Stage, launch: Launch): Promise<TextEnd> {
  return startText(stage, launch).ended;
}

/** Names in the folder, once there are so many that start with `prefix`. */
export async function namesThere(folder: string, prefix: string, count: number): Promise<readonly string[]> {
  let names: readonly string[] = [];
  for (const giveUpAtMs = Date.now() + DEADLINE_MS; Date.now() < giveUpAtMs; await sleep(20)) {
    names = (await readdir(folder)).filter((name) => name.startsWith(prefix));
    if (names.length >= count) return names;
  }
  return assert.fail(`expected ${count} of ${prefix}, found ${names.length}`);
}

/** Asserts that none of the processes whose pids end the names runs any more. */
export async function allGone(names: readonly string[]): Promise<void> {
  const pids = names.map((name) => Number(name.split('-').at(-1)));
  let left: readonly number[] = pids;
  for (const giveUpAtMs = Date.now() + DEADLINE_MS; Date.now() < giveUpAtMs; await sleep(20)) {
    left = pids.filter(isThere);
    if (left.length === 0) return;
  }
  assert.fail(`still running: ${left.join(', ')}`);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
