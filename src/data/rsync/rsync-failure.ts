import { SluiceError } from '../../errors.js';

/** How an rsync ended. */
export interface RsyncEnd {
  readonly exitCode: number;
  readonly stderr: string;
}

/** The error of an rsync that failed. @param what names the step. Source: rsync(1), EXIT VALUES */
export function rsyncFailure(what: string, { exitCode, stderr }: RsyncEnd): SluiceError {
  const said = stderr
    .trim()
    .split('\n')
    .filter((line) => !/^rsync error:/.test(line))
    .slice(-3)
    .join('; ');
  return new SluiceError(codeOf(exitCode, stderr), `cannot ${what}: rsync ended with code ${exitCode}: ${said}`);
}

function codeOf(exitCode: number, stderr: string): string {
  const byText = TEXTS.find(([text]) => text.test(stderr));
  if (byText !== undefined) return byText[1];
  if (exitCode === USAGE) return 'INVALID_OPTIONS';
  return SERVICE.has(exitCode) ? 'SERVICE_FAILED' : 'TRANSFER_FAILED';
}

const TEXTS: readonly (readonly [RegExp, string])[] = [
  [
    /auth failed|access denied|permission denied|module is (read|write) only|operation not permitted|read-only file/i,
    'ACCESS_DENIED',
  ],
  [/no space left|disk quota/i, 'TRANSFER_FAILED'],
  [/make way for|is a directory|not a directory|cannot (overwrite|delete) non-empty/i, 'INVALID_OPTIONS'],
  [/unknown module|no such file or directory/i, 'NOT_FOUND'],
];
const USAGE = 1;
// Protocols that do not fit, servers that do not answer or time out; 255 and 127 are what ssh says, or the host's shell.
const SERVICE: ReadonlySet<number> = new Set([2, 4, 5, 10, 14, 30, 35, 127, 255]);
