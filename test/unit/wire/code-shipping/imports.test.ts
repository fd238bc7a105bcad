import { expect, test } from 'vitest';
import { captureFunction } from '../../../../src/wire/code-shipping/capture.js';

const importsOf = (text: string) =>
  captureFunction(new Function(`return (${text})`)() as () => unknown, { kind: 'function' }).imports;

test('what a function imports by name is told, each once, without what Node has', () => {
  const text = `async (name) => {
    const a = await import('left-pad');
    const b = await import(\`@scope/pkg/sub\`);
    await Promise.all([import("left-pad"), import('node:fs'), import('path'), import('./beside.js'), import(name)]);
    return import('data:text/javascript,1');
  }`;
  expect(importsOf(text)).toEqual(['left-pad', '@scope/pkg/sub', './beside.js']);
});

test('imports that Vite rewrote count as what they stand for', () => {
  expect(importsOf("async () => __vite_ssr_dynamic_import__('/node_modules/x/index.js')")).toEqual([
    '/node_modules/x/index.js',
  ]);
});

test('a function that imports from Node alone says nothing', () => {
  expect(importsOf("async () => [await import('node:fs/promises'), await import('os')]")).toBeUndefined();
});
