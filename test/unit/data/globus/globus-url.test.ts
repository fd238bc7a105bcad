import { expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { parseGlobusUrl } from '../../../../src/data/globus/globus-url.js';

const ID = '6c54cade-bde5-45c1-bdea-f4bd71dba2cc';

test.each([
  [`globus://${ID}/share/a.txt`, '/share/a.txt'],
  [`globus://${ID}/~/a b/c%23.txt`, '/~/a b/c#.txt'],
  [`globus://${ID}/`, '/'],
  [`globus://${ID}/a/../b`, '/b'],
  [`globus://${ID.toUpperCase()}/%E6%97%A5`, '/日'],
])('%s', (url, path) => {
  expect(parseGlobusUrl(new DataFile(url).url)).toEqual({ collection: ID, path });
});

test.each([`globus://${ID}`, 'globus://tutorial/a', 'globus:///a', `globus://${ID}/%zz`, `globus://${ID}/a%0Ab`])(
  '%s is refused',
  (url) => {
    expect(() => parseGlobusUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  },
);
