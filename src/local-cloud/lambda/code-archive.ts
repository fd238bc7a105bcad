import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { unzipSync } from 'fflate';
import { LambdaError } from './lambda-error.js';

// AWS Lambda Developer Guide, "Lambda quotas": deployment package (.zip file archive).
const MAX_ZIPPED_BYTES = 52_428_800;
const MAX_UNZIPPED_BYTES = 262_144_000;
// MS-DOS "directory" is an entry that ends in a slash; the upper half of "version made by" = 3 says that modes are Unix'.
const UNIX = 3;

/**
 * Checks a zip file without unpacking it.
 *
 * @throws {LambdaError} when it is larger than Lambda takes (50 MB zipped, 250 MB unzipped), is not a zip file, or has
 *   an entry whose path leaves the folder it is unpacked to.
 */
export function checkCodeArchive(zip: Buffer): void {
  if (zip.length > MAX_ZIPPED_BYTES) {
    throw new LambdaError(
      'RequestEntityTooLargeException',
      `Request must be smaller than ${Math.ceil(MAX_ZIPPED_BYTES / 3) * 4} bytes for the zip file`,
    );
  }
  let unzippedBytes = 0;
  let files = 0;
  reading(() =>
    unzipSync(zip, {
      filter: (entry) => {
        checkEntryPath(entry.name);
        unzippedBytes += entry.originalSize;
        files += 1;
        return false;
      },
    }),
  );
  if (files === 0) throw new LambdaError('InvalidParameterValueException', 'Uploaded file must be a non-empty zip');
  if (unzippedBytes > MAX_UNZIPPED_BYTES) {
    throw new LambdaError(
      'InvalidParameterValueException',
      `Unzipped size must be smaller than ${MAX_UNZIPPED_BYTES} bytes`,
    );
  }
}

/** Unpacks a checked zip file below `folder`, which must not exist yet. Files are executable when the archive says so. */
export async function unpackCodeArchive(zip: Buffer, folder: string): Promise<void> {
  const executables = executableEntries(zip);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(reading(() => unzipSync(zip)))) {
    checkEntryPath(name);
    const path = join(folder, name);
    if (name.endsWith('/')) {
      await mkdir(path, { recursive: true });
      continue;
    }
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode: executables.has(name) ? 0o755 : 0o644 });
  }
}

function checkEntryPath(name: string): void {
  const normal = posix.normalize(name);
  if (posix.isAbsolute(normal) || normal === '..' || normal.startsWith('../') || /[\\\0]/.test(name)) {
    throw new LambdaError(
      'InvalidParameterValueException',
      `the zip file has an entry outside of it: ${JSON.stringify(name)}`,
    );
  }
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof LambdaError) throw cause;
    throw new LambdaError('InvalidParameterValueException', `Could not unzip uploaded file: ${String(cause)}`, {
      cause,
    });
  }
}

/** fflate does not tell modes: they are read from the central directory (PKWARE APPNOTE 4.3.12, 4.3.16). */
function executableEntries(zip: Buffer): ReadonlySet<string> {
  const found = new Set<string>();
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end === -1) return found;
  let at = zip.readUInt32LE(end + 16);
  while (at + 46 <= end && zip.readUInt32LE(at) === 0x02014b50) {
    const nameLength = zip.readUInt16LE(at + 28);
    const mode = zip.readUInt8(at + 5) === UNIX ? zip.readUInt32LE(at + 38) >>> 16 : 0;
    if ((mode & 0o111) !== 0) found.add(zip.toString('utf8', at + 46, at + 46 + nameLength));
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return found;
}
