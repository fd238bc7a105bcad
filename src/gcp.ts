export { type GcsStagingOptions, gcsStaging } from './config/storage/built-in-stagings.js';
export type { GcsCredentials, GcsStoreOptions } from './object-store/gcs/gcs-options.js';
export { createGcsStore } from './object-store/gcs/gcs-store.js';
