import { SluiceError } from '../../errors.js';
import type { StageInTarget } from '../staging.js';
import { type AnnouncedDigest, announcedDigest } from './digests.js';
import type { HttpAnswer } from './exchange.js';
import type { HttpRequests } from './http-requests.js';
import { type Representation, representationOf } from './representation.js';

/** A download to be done. */
export interface Job {
  readonly requests: HttpRequests;
  readonly url: string;
  /** What is done and with which file, for errors. */
  readonly what: string;
  readonly target: StageInTarget;
}

/** A file whose answer has begun: its body is the whole. */
export interface OpenedFile {
  readonly answer: HttpAnswer;
  readonly representation: Representation;
  readonly digest: AnnouncedDigest | undefined;
}

/** @throws {SluiceError} `TRANSFER_FAILED` when the answer is another file than is wanted, or nobody could tell whether it came whole */
export async function openFile(job: Job): Promise<OpenedFile> {
  const { requests, url, what } = job;
  const answer = await requests.send({ what, method: 'GET', url, signal: job.target.signal, accepts: [200] });
  const opened = {
    answer,
    representation: representationOf(answer.header),
    digest: announcedDigest(answer.header),
  };
  const problem = problemOf(job, opened);
  if (problem === undefined) return opened;
  answer.body.destroy();
  throw new SluiceError('TRANSFER_FAILED', `${what}: ${problem}`);
}

function problemOf({ requests, url, target }: Job, { answer, representation, digest }: OpenedFile): string | undefined {
  if (target.identity !== undefined && target.identity.tag !== representation.tag) {
    return 'it is not the file any more that was asked for';
  }
  const { header } = answer;
  const type = (header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const { expectType } = requests.siteOf(url);
  if (expectType !== undefined && !expectType.some((pattern) => matchesType(type, pattern))) {
    const came = type === '' ? 'does not say what it is' : `is ${type}`;
    return `what came ${came}, not ${expectType.join(' or ')}: perhaps a page of the server's own, such as a login`;
  }
  const isChunked = /\bchunked\b/i.test(header('transfer-encoding') ?? '');
  if (representation.size !== undefined || isChunked || digest !== undefined) return undefined;
  if (requests.options.acceptUnknownLength) return undefined;
  return 'the server does not say how long the file is, so that nobody could tell whether it came whole: set acceptUnknownLength to take it all the same';
}

function matchesType(type: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  return wanted.endsWith('/*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}
