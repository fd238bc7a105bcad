import { createHash, type Hash } from 'node:crypto';
import type { SignedPayload } from '../../sigv4.js';
import { type ChecksumAlgorithm, checksumHeader, createChecksum, isChecksumValue } from '../checksums/checksum.js';
import { S3Error } from '../s3-error.js';
import { decodeAwsChunked, malformedTrailer } from './aws-chunked.js';
import type { BodyExpectation } from './body-expectation.js';

/** What a body turned out to be, once all of it has been read and found as announced. */
export interface BodyFacts {
  /** Size in bytes. */
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  /** Base64, of the algorithm asked for. */
  readonly checksum: string;
  /** Base64, of the algorithm the request itself gave a sum of, where that is another one. */
  readonly givenChecksum?: string;
}

/**
 * Yields the content of a request's body, framing taken off, and returns its facts after the last byte.
 *
 * Throws S3Error instead when size, MD5, SHA-256, checksum or a chunk's signature is not what the request said; so
 * what was yielded must not be published before the end. Sums up by `algorithm`, and by the expectation's own if that is another one.
 */
export async function* verifiedBody(
  source: AsyncIterable<Uint8Array>,
  how: {
    readonly payload: SignedPayload;
    readonly expectation: BodyExpectation;
    readonly algorithm: ChecksumAlgorithm;
  },
): AsyncGenerator<Uint8Array, BodyFacts> {
  const { payload, expectation, algorithm } = how;
  const md5 = createHash('md5');
  const sum = createChecksum(algorithm);
  const given = expectation.checksum?.algorithm ?? algorithm;
  const givenSum = given === algorithm ? undefined : createChecksum(given);
  const sha256 = payload.kind === 'sha256' ? createHash('sha256') : undefined;
  let size = 0;
  const content = withoutFraming(source, payload);
  let step = await content.next();
  for (; step.done !== true; step = await content.next()) {
    size += step.value.length;
    if (size > expectation.size) throw wrongSize();
    md5.update(step.value);
    sum.update(step.value);
    givenSum?.update(step.value);
    sha256?.update(step.value);
    yield step.value;
  }
  if (size !== expectation.size) throw wrongSize();
  checkSha256(payload, sha256);
  const facts = {
    size,
    md5: md5.digest('hex'),
    checksum: sum.digest().toString('base64'),
    ...(givenSum !== undefined && { givenChecksum: givenSum.digest().toString('base64') }),
  };
  checkMd5(expectation, facts);
  checkChecksum(expectation, facts, step.value);
  return facts;
}

async function* withoutFraming(
  source: AsyncIterable<Uint8Array>,
  payload: SignedPayload,
): AsyncGenerator<Uint8Array, ReadonlyMap<string, string>> {
  if (payload.kind === 'streaming-signed' || payload.kind === 'streaming-unsigned-trailer') {
    return yield* decodeAwsChunked(source, payload);
  }
  yield* source;
  return new Map();
}

function checkSha256(payload: SignedPayload, sha256: Hash | undefined): void {
  const computed = sha256?.digest('hex');
  if (payload.kind !== 'sha256' || payload.sha256 === computed) return;
  const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
  throw new S3Error('XAmzContentSHA256Mismatch', message, {
    details: { ClientComputedContentSHA256: payload.sha256, S3ComputedContentSHA256: computed ?? '' },
  });
}

function checkMd5(expectation: BodyExpectation, facts: BodyFacts): void {
  const computed = Buffer.from(facts.md5, 'hex').toString('base64');
  if (expectation.contentMd5 === undefined || expectation.contentMd5 === computed) return;
  throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
    details: { ExpectedDigest: expectation.contentMd5, CalculatedDigest: computed },
  });
}

function checkChecksum(expectation: BodyExpectation, facts: BodyFacts, trailer: ReadonlyMap<string, string>): void {
  if (expectation.checksum === undefined) return;
  const { algorithm, value } = expectation.checksum;
  const name = checksumHeader(algorithm);
  const expected = value === 'in trailer' ? trailer.get(name) : value;
  if (expected === undefined) throw malformedTrailer(`The body ends without the trailer ${name} that was announced.`);
  if (!isChecksumValue(algorithm, expected)) {
    throw new S3Error('InvalidRequest', `Value for ${name} trailing header is invalid.`);
  }
  const computed = facts.givenChecksum ?? facts.checksum;
  if (expected === computed) return;
  const message = `The ${algorithm} you specified did not match the calculated checksum.`;
  throw new S3Error('BadDigest', message, { details: { ExpectedDigest: expected, CalculatedDigest: computed } });
}

function wrongSize(): S3Error {
  const message = 'You did not provide the number of bytes specified by the Content-Length HTTP header';
  return new S3Error('IncompleteBody', message);
}
