export { type ExecutorFixture, executorSuite } from './conformance/executor-suite.js';
export { type ObjectStoreFixture, objectStoreSuite } from './conformance/object-store-suite.js';
export { type StagingFixture, stagingSuite } from './conformance/staging-suite.js';
export type { TestApi } from './conformance/test-api.js';
