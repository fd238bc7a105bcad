import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Name and version of what npm has installed in a project (its hidden lockfile, npm-install(1)); none where it has not. */
export async function installedPackages(project: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(join(project, 'node_modules', '.package-lock.json'), 'utf8').catch(() => '{}');
  try {
    const { packages = {} } = JSON.parse(text) as { packages?: Record<string, { version?: string }> };
    const rows = Object.entries(packages).map(([path, { version }]) => [
      /^node_modules\/(?!.*\/node_modules\/)(.+)$/.exec(path)?.[1],
      version,
    ]);
    return Object.fromEntries(rows.filter(([name, version]) => name !== undefined && version !== undefined));
  } catch {
    return {};
  }
}
