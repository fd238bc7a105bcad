/** `sluice/local-cloud`: S3, Lambda and Cloud Storage on this machine, for tests, examples and trying things out. */
export type {
  ErrorFault,
  Fault,
  FaultCount,
  FaultRule,
  Faults,
  InvocationFault,
} from './local-cloud/faults/fault.js';
export { type LocalCloud, startLocalCloud } from './local-cloud/local-cloud.js';
export type { LocalCloudOptions } from './local-cloud/local-cloud-options.js';
