import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import picomatch from 'picomatch';
import { DataFile, type FileLike, holdsPlainKeys } from './data-file.js';

/** Files below a folder that are meant by a text such as `s3://bucket/2026/*.csv`. */
export interface FilePattern {
  readonly folder: DataFile;
  /** Or else all of them. */
  readonly isGlob: boolean;
  /** How the names of all of them begin, below the folder: what else there is need not be listed. */
  readonly startsWith: string;
  /** Whether a name below the folder, as it is written there, is meant. */
  matches(name: string): boolean;
}

/**
 * Reads a folder (`s3://bucket/2026/`) or a glob: `*` and `?` stay within one segment, `**` crosses them, `{a,b}`, `[a-z]`;
 * `\` takes the next character as it is. Names that begin with a dot are like all others. A text without any of them is the
 * file it names; a {@link DataFile} and a URL are what they are, never a glob.
 */
export function parseFilePattern(source: FileLike): FilePattern | DataFile {
  if (typeof source !== 'string') return folderOrFile(new DataFile(source));
  const [, root = '', rest = ''] = /^([a-z][a-z0-9+.-]+:\/*[^/]*\/|)(.*)$/is.exec(source) ?? [];
  const { base, glob } = picomatch.scan(rest);
  if (glob === '') return folderOrFile(new DataFile(root + unescaped(rest)));
  const above = unescaped(base);
  const folder = folderOf(root, above === '' || above.endsWith('/') ? above : `${above}/`);
  const text = holdsPlainKeys(folder.scheme) || root === '' ? glob : decodeURIComponent(glob);
  return {
    folder,
    isGlob: true,
    startsWith: /^[^*?{}[\]()!+@\\|]*/.exec(text)?.[0] ?? '',
    matches: picomatch(text, { dot: true }),
  };
}

function folderOrFile(file: DataFile): FilePattern | DataFile {
  return file.isFolder ? { folder: file, isGlob: false, startsWith: '', matches: () => true } : file;
}

function folderOf(root: string, above: string): DataFile {
  return root === ''
    ? new DataFile(pathToFileURL(`${resolve(above === '' ? '.' : above)}/`))
    : new DataFile(root + above);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}
