/**
 * The part of a test framework that the shipped suites need, given to them as an argument: this package depends on
 * no framework, and the suites assert with `node:assert/strict`.
 *
 * Vitest's functions fit as they are; those of `node:test` under these names:
 * `{ describe, test, beforeAll: before, afterAll: after }`. The suites ask for no time limits of their own; 30 s a
 * test are enough.
 */
export interface TestApi {
  /** Groups the tests that `body` registers. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Registers one test; it fails when `body` throws or rejects. */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  /** Runs `body` once before the tests of the surrounding group. */
  readonly beforeAll: (body: () => Promise<void>) => unknown;
  /** Runs `body` once after the tests of the surrounding group, also when some failed. */
  readonly afterAll: (body: () => Promise<void>) => unknown;
}
