import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** Where a process stands. */
interface ProcessPlace {
  readonly parentPid: number;
  readonly groupId: number;
}

/** The processes of this machine, as of the last `refresh`. */
export interface ProcessTable {
  refresh(): Promise<void>;
  pids(): readonly number[];
  /** `undefined` once the process is gone. */
  placeOf(pid: number): ProcessPlace | undefined;
  /** Resident memory in bytes, 0 once the process is gone. */
  rssBytes(pid: number): number;
  /** The most it ever had, where the system keeps that, else what it has now. */
  peakRssBytes(pid: number): number;
}

/** Reads `/proc` where there is one, and asks `ps` elsewhere. */
export function createProcessTable(): ProcessTable {
  return existsSync('/proc/self/stat') ? createProcTable() : createPsTable();
}

// proc(5): /proc/pid/stat is "pid (comm) state ppid pgrp …", comm may hold anything; the second number of
// /proc/pid/statm is the resident pages; VmHWM of /proc/pid/status is the "high water mark" of resident memory.
function createProcTable(): ProcessTable {
  const pageBytes = pageSize();
  let pids: readonly number[] = [];
  return {
    async refresh() {
      pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
    },
    pids: () => pids,
    placeOf(pid) {
      const stat = readIfThere(`/proc/${pid}/stat`);
      const [, parentPid, groupId] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ', 3)
        .map(Number);
      return parentPid === undefined || groupId === undefined ? undefined : { parentPid, groupId };
    },
    rssBytes: (pid) => Number(readIfThere(`/proc/${pid}/statm`).split(' ', 2)[1] ?? 0) * pageBytes,
    peakRssBytes(pid) {
      const status = readIfThere(`/proc/${pid}/status`);
      return Math.max(kibOf('VmHWM', status), kibOf('VmRSS', status)) * 1024;
    },
  };
}

/** In bytes: this process's resident memory, which proc(5) tells in kB too, over its resident pages; a power of two. */
function pageSize(): number {
  const kib = kibOf('VmRSS', readIfThere('/proc/self/status'));
  const pages = Number(readIfThere('/proc/self/statm').split(' ', 2)[1]);
  return 2 ** Math.round(Math.log2((kib * 1024) / pages));
}

/** 0 where there is no such line: some kernels lack one, and of a process that has ended there is none. */
function kibOf(name: string, status: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A process table from `ps` alone (POSIX options and columns). */
export function createPsTable(): ProcessTable {
  let rows: ReadonlyMap<number, ProcessPlace & { readonly rssBytes: number }> = new Map();
  return {
    async refresh() {
      const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,pgid=,rss='], { env: process.env });
      rows = new Map(stdout.trim().split('\n').map(parsePsRow));
    },
    pids: () => [...rows.keys()],
    placeOf: (pid) => rows.get(pid),
    rssBytes: (pid) => rows.get(pid)?.rssBytes ?? 0,
    peakRssBytes: (pid) => rows.get(pid)?.rssBytes ?? 0,
  };
}

function parsePsRow(row: string): [number, ProcessPlace & { rssBytes: number }] {
  const [pid = 0, parentPid = 0, groupId = 0, rssKib = 0] = row.trim().split(/\s+/).map(Number);
  return [pid, { parentPid, groupId, rssBytes: rssKib * 1024 }];
}
