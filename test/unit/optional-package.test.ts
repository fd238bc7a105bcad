import { expect, test } from 'vitest';
import { optionalPackage } from '../../src/optional-package.js';

const load = (specifier: string) => () => import(specifier);

test('a package that is not installed is named, with the command that installs it', async () => {
  const missing = optionalPackage('sluice-nowhere', 'flying', load('sluice-nowhere'));
  await expect(missing).rejects.toMatchObject({
    code: 'PACKAGE_MISSING',
    class: 'usage',
    message: expect.stringMatching(/flying.*npm i sluice-nowhere/),
  });
});

test('one that lacks a package of its own keeps its error', async () => {
  await expect(optionalPackage('whole', 'flying', load('sluice-nowhere'))).rejects.not.toHaveProperty('class');
});

test('one that is there is given', async () => {
  expect(await optionalPackage('zod', 'checking', () => import('zod'))).toHaveProperty('z');
});
