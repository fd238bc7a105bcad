import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { bundleSource, linkPackages, temporaryFolder } from '../../../fixtures/code-shipping/bundle-source.js';

test('the parsers are loaded by the first definition, not by the import', async () => {
  await using folder = await temporaryFolder();
  await linkPackages(folder.path);
  const bundle = await bundleSource(folder.path, "export * from './wire/code-shipping/capture.js';");
  const script = fileURLToPath(new URL('../../../fixtures/code-shipping/parsers-loaded.mjs', import.meta.url));
  const { stdout } = await execa(process.execPath, [script, bundle]);
  expect(JSON.parse(stdout)).toEqual({ afterImport: [], afterDefinition: ['acorn', 'eslint-scope'] });
});
