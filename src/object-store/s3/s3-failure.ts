/** What an answer of S3 that is an error says; empty where it does not. */
export interface S3FailureFacts {
  /** S3's own code: `NoSuchKey`. */
  readonly code: string;
  readonly message: string;
  /** Of HTTP. */
  readonly status: number;
  readonly requestId?: string | undefined;
  /** Where the bucket is. */
  readonly region?: string | undefined;
  /** The header of that name. */
  readonly retryAfter?: string | undefined;
}

/** An answer of S3 that is an error. The answer's text may hold what was signed, and is not kept. */
export class S3Failure extends Error {
  readonly facts: S3FailureFacts;

  constructor(facts: S3FailureFacts) {
    super(facts.message);
    this.name = facts.code === '' ? 'Unknown' : facts.code;
    this.facts = facts;
  }
}
