import { messageOf, SluiceError } from '../../errors.js';

/** A server refused a command. */
export class FtpReplyError extends SluiceError {
  override readonly name = 'FtpReplyError';
  /** Three digits. Source: RFC 959, section 4.2. */
  readonly reply: number;

  constructor(code: string, message: string, reply: number) {
    super(code, message);
    this.reply = reply;
  }
}

/** A transfer ended well, as the server says, and its length is wrong. */
export class FtpLengthError extends SluiceError {
  override readonly name = 'FtpLengthError';
  /** Whether the same length has not been the wrong one before, so that another attempt may get further. */
  readonly isNew: boolean;

  constructor(message: string, isNew: boolean) {
    super('TRANSFER_FAILED', message);
    this.isNew = isNew;
  }
}

/** Tells the errors of one transfer's lengths: each wrong one is worth another attempt once. */
export function createLengthCheck(what: string): (bytes: number, expected: number) => void {
  const seen = new Set<number>();
  return (bytes, expected) => {
    if (bytes === expected) return;
    const isNew = !seen.has(bytes);
    seen.add(bytes);
    throw new FtpLengthError(`cannot ${what}: ${bytes} bytes arrived of ${expected}`, isNew);
  };
}

/** Whether another attempt, on another connection, may end otherwise. */
export function isTransient(error: unknown): boolean {
  if (error instanceof FtpLengthError) return error.isNew;
  return error instanceof SluiceError && error.code === 'SERVICE_FAILED';
}

/** Whether a server does not know a command, or not with what was said with it. */
export function isUnknown(error: unknown): boolean {
  return error instanceof FtpReplyError && error.reply >= 500 && error.reply <= 504;
}

/** Whether a server, or this machine, has no more connections to give for now. */
export function isTooMany(error: unknown): boolean {
  return (
    error instanceof FtpReplyError && error.code === 'SERVICE_FAILED' && error.reply !== 425 && error.reply !== 426
  );
}

/**
 * The SluiceError of anything that basic-ftp threw; SluiceErrors pass as they are.
 *
 * @param server for messages, such as `ftp://user@host:21`
 * @param password must not be shown, whatever the server makes of it
 */
export function ftpFailure(server: string, error: unknown, password: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const said = (password === '' ? messageOf(error) : messageOf(error).replaceAll(password, '***')).trim();
  if (typeof code === 'number') return replyError(server, code, said);
  if (code === 'ENOTFOUND') return new SluiceError('NOT_FOUND', `${server}: no host has this name`);
  if (CERTIFICATE.test(String(code))) {
    return new SluiceError(
      'HOST_NOT_TRUSTED',
      `${server}: the server's certificate is not trusted: ${said}. If it may be, set NODE_EXTRA_CA_CERTS to a file with the certificate of who signed it, or \`ca\` to its text`,
    );
  }
  return new SluiceError('SERVICE_FAILED', `${server}: ${said}`);
}

// Source: nodejs.org, "TLS (SSL)", X509 certificate error codes; ERR_TLS_CERT_ALTNAME_INVALID is Node's own.
const CERTIFICATE = /^(?:ERR_TLS_CERT|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|INVALID_CA|HOSTNAME_MISMATCH)/;

function replyError(server: string, reply: number, said: string): FtpReplyError {
  const { code, advice } = meaningOf(reply, said);
  return new FtpReplyError(code, `${server}: ${said}${advice === undefined ? '' : ` (${advice})`}`, reply);
}

interface Meaning {
  readonly code: string;
  readonly advice?: string;
}

// Sources: RFC 959, section 4.2.2; RFC 4217 for TLS. Servers agree on no more than the digits for what 550 is about, and
// tell it in words.
function meaningOf(reply: number, said: string): Meaning {
  switch (reply) {
    case 421:
    case 425:
    case 426:
    case 450:
      return { code: 'SERVICE_FAILED' };
    case 451:
      return { code: 'TRANSFER_FAILED', advice: 'is the disk there full?' };
    case 452:
    case 552:
      return { code: 'TRANSFER_FAILED', advice: 'the disk there is full, or a quota is used up' };
    case 500:
    case 502:
    case 504:
      return { code: 'INVALID_OPTIONS', advice: 'the server does not know this command' };
    case 530:
      return /too many|maximum|limit/i.test(said)
        ? { code: 'SERVICE_FAILED' }
        : { code: 'ACCESS_DENIED', advice: loginAdvice(said) };
    case 332:
    case 532:
      return { code: 'ACCESS_DENIED', advice: loginAdvice(said) };
    case 522:
    case 534:
    case 536:
      return { code: 'ACCESS_DENIED', advice: 'the server wants TLS: write ftps:' };
    default:
      return { code: MISSING.test(said) ? 'NOT_FOUND' : DENIED.test(said) ? 'ACCESS_DENIED' : 'TRANSFER_FAILED' };
  }
}

const MISSING = /no such|not found|(?:does not|doesn't|do not|don't) exist|cannot find/i;
const DENIED = /permission|denied|not allowed|not permitted|no access|prohibited/i;

function loginAdvice(said: string): string {
  if (/encrypt|tls|ssl|secure/i.test(said)) return 'the server wants TLS: write ftps:';
  return 'check user and password: in the URL, the option `credentials`, or ~/.netrc';
}
