export { executorSuite } from './conformance/executor/executor-suite.js';
export type { ExecutorFixture } from './conformance/executor/fixture.js';
export type { KnownGaps, ObjectStoreFixture } from './conformance/object-store/fixture.js';
export { objectStoreSuite } from './conformance/object-store/object-store-suite.js';
export { type StagingFixture, stagingSuite } from './conformance/staging-suite.js';
export type { TestApi } from './conformance/test-api.js';
