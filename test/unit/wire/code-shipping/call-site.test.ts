import { describe, expect, test } from 'vitest';
import { findCallSite } from '../../../../src/wire/code-shipping/call-site.js';

const OWN = new URL('../../../../src/apps/app.ts', import.meta.url);

describe('the call site of an app', () => {
  test.each([
    ['    at file:///home/ada/flow.js:3:9', 'file:///home/ada/flow.js', '/home/ada/flow.js:3:9'],
    [
      '    at async main (file:///home/ada/my%20flow.js?tsx=1:3:9)',
      'file:///home/ada/my%20flow.js',
      '/home/ada/my flow.js:3:9',
    ],
    [
      '    at Object.<anonymous> (/home/ada (old)/flow.cjs:3:9)',
      'file:///home/ada%20(old)/flow.cjs',
      '/home/ada (old)/flow.cjs:3:9',
    ],
    ['    at new Flow [as define] (/home/ada/flow.ts:3:9)', 'file:///home/ada/flow.ts', '/home/ada/flow.ts:3:9'],
  ])('is read from %s', (line, url, text) => {
    expect(findCallSite(`Error: at /not/a/frame.js\n${line}`)).toEqual({ url, text });
  });

  test("passes over Sluice's own frames, Node's, and those without a file", () => {
    const frames = [
      `app (${OWN.href}:1:1)`,
      `app (${OWN.pathname}:1:1)`,
      'new Promise (<anonymous>)',
      'node:internal/main:1:1',
      'eval (native)',
      'file:///home/ada/flow.js:3:9',
      'file:///home/ada/main.js:1:1',
    ];
    const stack = ['Error', ...frames.map((frame) => `    at ${frame}`)].join('\n');
    expect(findCallSite(stack).text).toBe('/home/ada/flow.js:3:9');
  });

  test('is unknown when the stack does not say', () => {
    expect(findCallSite('Error')).toEqual({ url: '', text: 'an unknown place' });
  });
});
