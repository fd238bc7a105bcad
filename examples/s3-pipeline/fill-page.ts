import type { DataFile } from 'sluice';

/**
 * Writes the template with its `{{names}}` replaced by the parts of those names, which are HTML, to every output.
 * @throws when the template names a part that is not there.
 */
export async function fillPage(
  template: DataFile,
  parts: Readonly<Record<string, string>>,
  io: { readonly outputs: readonly DataFile[] },
): Promise<void> {
  const { readFile, writeFile } = await import('node:fs/promises');
  const page = (await readFile(template.path, 'utf8')).replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`the page's template names a part that is missing: ${name}`);
    return part;
  });
  for (const output of io.outputs) await writeFile(output.path, page);
}
