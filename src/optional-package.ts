import { SluiceError } from './errors.js';

/**
 * Loads a package that only some need, and that is not installed with this one.
 *
 * @param load imports it: `() => import('ssh2')`
 * @throws {SluiceError} `PACKAGE_MISSING` with the command that installs it
 */
export async function optionalPackage<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, name)) throw error;
    const text = `${what} needs the package '${name}', which is not installed here: npm i ${name}`;
    throw new SluiceError('PACKAGE_MISSING', text, { cause: error });
  }
}

// A package that is there and lacks one of its own dependencies is another mistake.
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const codes = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];
  return codes.includes(String(error.code)) && error.message.includes(`'${name}'`);
}
