/** Where large values go. */
export interface SpillPlace {
  /** Those above this many. */
  readonly bytes: number;
  /** `file:` or bucket URL, without a slash at its end. */
  readonly url: string;
  /** Of the bucket; absent where its workers' environment says it. */
  readonly region?: string;
}
