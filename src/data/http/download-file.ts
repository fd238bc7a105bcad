import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../errors.js';
import { PART_BYTES } from '../../object-store/part-plan.js';
import { backOffMs } from '../../object-store/retry-policy.js';
import { shownUrl } from '../shown-url.js';
import type { StageInTarget } from '../staging.js';
import { writeSmall, writeWhole } from '../write-whole.js';
import { checkDigest } from './digests.js';
import { fetchInParts } from './fetch-parts.js';
import { type Fetching, fetchSpan, StartAgainError } from './fetch-span.js';
import { type FileSink, openFileSink } from './file-sink.js';
import type { HttpRequests } from './http-requests.js';
import { createMemorySink } from './memory-sink.js';
import { type Job, type OpenedFile, openFile } from './open-file.js';
import { SpanPool } from './span-pool.js';

/** Up to this size, in bytes, a file is gathered in memory and written at once. */
const SMALL_BYTES = 1024 * 1024;

/**
 * Copies a file of a web server to `target.suggestedPath`, whole or not at all: in parallel parts where the server
 * offers them and the file is large, in one stream otherwise. Length, status and, where the server announces one, a
 * checksum are verified; a file that is replaced meanwhile is `TRANSFER_FAILED`, never a mixture.
 */
export async function downloadFile(requests: HttpRequests, url: string, target: StageInTarget): Promise<void> {
  const job: Job = { requests, url, target, what: `read ${shownUrl(url)}` };
  const opened = await openFile(job);
  const { size = Number.POSITIVE_INFINITY } = opened.representation;
  await (size <= SMALL_BYTES ? gather(job, opened, size) : copyToDisk(job, opened));
}

async function gather(job: Job, opened: OpenedFile, size: number): Promise<void> {
  const { what, target } = job;
  const sink = createMemorySink(size, { what, onProgress: target.onProgress });
  const { digest } = await fill(sink, job, opened);
  if (digest !== undefined) await checkDigest(digest, { content: sink.chunks, what, signal: target.signal });
  target.signal.throwIfAborted();
  await writeSmall(target.suggestedPath, sink.chunks);
}

async function copyToDisk(job: Job, opened: OpenedFile): Promise<void> {
  const { what, target } = job;
  const { suggestedPath, signal, onProgress } = target;
  await writeWhole(suggestedPath, async (path) => {
    try {
      const sink = await openFileSink(path, { what, onProgress });
      const { digest } = await fill(sink, job, opened).finally(() => sink.close());
      if (digest !== undefined) await checkDigest(digest, { content: path, what, signal });
    } finally {
      opened.answer.body.destroy();
    }
  });
}

/** Resolves with the answer whose content the sink has. */
async function fill(sink: FileSink, job: Job, first: OpenedFile): Promise<OpenedFile> {
  const { retry } = job.requests.options;
  const { signal } = job.target;
  for (let starts = 1, opened = first; ; starts += 1, opened = await openFile(job)) {
    try {
      await fetchAll(sink, job, opened, starts === 1 ? 'parallel' : 'single');
      return opened;
    } catch (error) {
      if (!(error instanceof StartAgainError) || starts >= retry.attempts) throw error;
    }
    await sink.restart();
    await sleep(backOffMs(retry, starts), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

async function fetchAll(sink: FileSink, job: Job, opened: OpenedFile, streams: 'parallel' | 'single'): Promise<void> {
  const { requests, url, what } = job;
  const { answer, representation } = opened;
  const { size, validator, offersRanges } = representation;
  const { signal } = job.target;
  const fetching: Fetching = { requests, url, at: answer.url, what, representation, sink };
  const canShare = streams === 'parallel' && requests.options.parallelParts > 1;
  if (canShare && size !== undefined && size >= 2 * PART_BYTES && offersRanges && validator !== undefined) {
    await fetchInParts(fetching, answer, new SpanPool(size, PART_BYTES), signal);
  } else {
    const end = () => size ?? Number.POSITIVE_INFINITY;
    await fetchSpan(fetching, { start: 0, end, extend: () => false, answer, givesWay: false, signal });
  }
  if (size === undefined || sink.written === size) return;
  throw new SluiceError('TRANSFER_FAILED', `${what}: ${sink.written} bytes came of ${size}`);
}
