import type { ServerSecurity } from '../transport/transport.js';

/** What an interchange is started with: one line of JSON on its stdin. */
export interface InterchangeConfig {
  readonly host: string;
  readonly ports: { readonly from: number; readonly to: number };
  readonly security?: ServerSecurity;
  readonly token: string;
  readonly heartbeatMs: number;
  readonly heartbeatThresholdMs: number;
  readonly maxMessageBytes: number;
  readonly reclaimMs: number;
  readonly selector: string | { readonly module: string; readonly export: string };
}
