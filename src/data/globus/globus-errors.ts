import { messageOf, SluiceError } from '../../errors.js';

/** What the Transfer API says of a request it does not carry out. */
export interface ApiRefusal {
  readonly status: number;
  /** Such as `ClientError.NotFound`, `ConsentRequired`, `ExternalError.DirListingFailed.PermissionDenied`. */
  readonly code: string;
  readonly message: string;
  /** Consents that a user would have to give. */
  readonly requiredScopes: readonly string[];
}

/** Globus refused a request. */
export class GlobusRefusalError extends SluiceError {
  override readonly name = 'GlobusRefusalError';
  /** Globus's own code. */
  readonly refusal: string;

  constructor(code: string, message: string, refusal: string) {
    super(code, message);
    this.refusal = refusal;
  }
}

/** Whether another attempt may end otherwise. */
export function isTransient(error: unknown): boolean {
  return error instanceof SluiceError && (error.code === 'SERVICE_FAILED' || error.code === 'THROTTLED');
}

/** Sources: Globus Transfer API, "API Overview", "Errors" and "Data Access Consent"; "File Operations", "Errors". */
export function refusalError(what: string, refusal: ApiRefusal): GlobusRefusalError {
  const { status, code, message, requiredScopes } = refusal;
  const known = meaningOf(refusal);
  const consent =
    requiredScopes.length === 0
      ? ''
      : `. The login has to include the consent ${requiredScopes.join(' ')}: log in again with this scope`;
  const said = `${message || 'no reason given'} (${code || 'no code'}, status ${status})`;
  return new GlobusRefusalError(known, `cannot ${what}: Globus says: ${said}${consent}`, code);
}

/** A request that did not come through, or whose answer did not. */
export function connectionError(what: string, error: unknown): SluiceError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new SluiceError('SERVICE_FAILED', `cannot ${what}: no answer from Globus: ${messageOf(cause)}`);
}

function meaningOf({ status, code, requiredScopes }: ApiRefusal): string {
  if (status === 429) return 'THROTTLED';
  if (requiredScopes.length > 0 || code === 'ConsentRequired') return 'ACCESS_DENIED';
  if (/NotFound$/.test(code)) return 'NOT_FOUND';
  if (/(PermissionDenied|LoginFailed|AuthenticationFailed|NoCredentials?|Forbidden)$/.test(code))
    return 'ACCESS_DENIED';
  if (/(Exists|NotSupported|NotADirectory|InvalidPath)$/.test(code)) return 'INVALID_OPTIONS';
  // A collection that is not connected, or too busy, is a conflict; one that answers what Globus does not understand, a bad gateway.
  if (status >= 500 || status === 409 || status === 408) return 'SERVICE_FAILED';
  if (status === 401 || status === 403) return 'ACCESS_DENIED';
  return status === 404 ? 'NOT_FOUND' : 'INVALID_OPTIONS';
}

/**
 * The code of a fault that no patience mends, though Globus goes on trying until its deadline; `undefined` for those that
 * may pass: collections that are not connected, paused or too busy, broken connections, checksums that did not match.
 *
 * Source: Globus Transfer API, "Task Events", "Error Events".
 */
export function finalFault(nice: string): string | undefined {
  return FINAL_FAULTS[nice];
}

const FINAL_FAULTS: Readonly<Record<string, string>> = {
  FILE_NOT_FOUND: 'NOT_FOUND',
  PERMISSION_DENIED: 'ACCESS_DENIED',
  NO_CREDENTIALS: 'ACCESS_DENIED',
  AUTH: 'ACCESS_DENIED',
  NO_SPACE_LEFT: 'TRANSFER_FAILED',
  QUOTA_EXCEEDED: 'TRANSFER_FAILED',
  EXTERNAL_CHECKSUM_MISMATCH: 'TRANSFER_FAILED',
  FILE_SIZE_CHANGED: 'TRANSFER_FAILED',
  IS_A_DIRECTORY: 'INVALID_OPTIONS',
  IS_A_FILE: 'INVALID_OPTIONS',
  NOT_A_DIRECTORY: 'INVALID_OPTIONS',
  NOT_A_FILE: 'INVALID_OPTIONS',
  AMBIGUOUS_PATH: 'INVALID_OPTIONS',
  INVALID_PATH_NAME: 'INVALID_OPTIONS',
  INVALID_SYMLINK: 'INVALID_OPTIONS',
};
