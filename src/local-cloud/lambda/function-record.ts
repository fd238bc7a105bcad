import { randomUUID } from 'node:crypto';
import { functionArn, LATEST } from './function-name.js';

/** What a caller can configure of a function; units as in the Lambda API (seconds, MB of 2^20 bytes). */
export interface FunctionSettings {
  readonly runtime: string;
  readonly handler: string;
  readonly role: string;
  readonly description: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly ephemeralStorageMb: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** Code of a function, by its content. */
export interface FunctionCode {
  /** SHA-256 of the zip file, in base64, as the API shows it. */
  readonly sha256: string;
  /** Size of the zip file in bytes. */
  readonly size: number;
}

/** Everything kept of one function. */
export interface FunctionRecord {
  readonly name: string;
  readonly settings: FunctionSettings;
  readonly code: FunctionCode;
  readonly tags: Readonly<Record<string, string>>;
  /** Changes with every update of code or settings: environments of another revision are not used again. */
  readonly revisionId: string;
  readonly lastModifiedMs: number;
  readonly reservedConcurrency?: number;
}

/** A copy with the changes and a new revision. */
export function revised(
  record: Omit<FunctionRecord, 'revisionId' | 'lastModifiedMs'>,
  changes: { readonly settings?: FunctionSettings; readonly code?: FunctionCode } = {},
): FunctionRecord {
  return { ...record, ...changes, revisionId: randomUUID(), lastModifiedMs: Date.now() };
}

/** The record as the API shows it (Lambda API Reference, FunctionConfiguration). Functions are active at once. */
export function functionConfiguration(record: FunctionRecord, region: string): Record<string, unknown> {
  const { settings, code } = record;
  return {
    FunctionName: record.name,
    FunctionArn: functionArn(region, record.name),
    Runtime: settings.runtime,
    Role: settings.role,
    Handler: settings.handler,
    CodeSize: code.size,
    Description: settings.description,
    Timeout: settings.timeoutSeconds,
    MemorySize: settings.memoryMb,
    LastModified: new Date(record.lastModifiedMs).toISOString().replace('Z', '+0000'),
    CodeSha256: code.sha256,
    Version: LATEST,
    ...(Object.keys(settings.environment).length === 0 ? {} : { Environment: { Variables: settings.environment } }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: record.revisionId,
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
    EphemeralStorage: { Size: settings.ephemeralStorageMb },
  };
}
