import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names of the packages among these files that bring machine code: a bundle cannot hold it. */
export function packagesWithAddons(files: readonly string[]): string[] {
  const roots = new Set(files.map(packageRoot).filter((root) => root !== undefined));
  const withAddonFile = new Set(files.filter((file) => file.endsWith('.node')).map(packageRoot));
  const found = [...roots].filter((root) => withAddonFile.has(root) || bringsAddon(root));
  const loose = files.filter((file) => file.endsWith('.node') && packageRoot(file) === undefined);
  return [...found.map(packageName), ...loose];
}

/** Folder of the package a file belongs to: `…/node_modules/name` or `…/node_modules/@scope/name`. */
function packageRoot(file: string): string | undefined {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(file)?.[0];
}

function packageName(root: string): string {
  return root.replace(/^.*[\\/]node_modules[\\/]/, '').replaceAll('\\', '/');
}

// What node-gyp, prebuildify, node-pre-gyp and napi-rs leave in a package; addons are mostly found at run time, by
// names no bundler sees. The manual of package.json (gypfile), https://napi.rs/docs/cli/napi-config.
function bringsAddon(root: string): boolean {
  if (existsSync(join(root, 'binding.gyp')) || existsSync(join(root, 'prebuilds'))) return true;
  try {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
    const { binary, napi, gypfile } = manifest;
    return gypfile === true || isObject(napi) || (isObject(binary) && typeof binary.module_name === 'string');
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
