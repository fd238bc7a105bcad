import { describe, expect, test } from 'vitest';
import { selectFields } from '../../../../src/local-cloud/gcs/fields.js';

const RESOURCE = {
  kind: 'list',
  items: [
    { name: 'a', size: '1', owner: { entity: 'me', id: '7' } },
    { name: 'b', owner: { entity: 'you', id: '8' } },
  ],
};

describe('fields', () => {
  test.each([
    [undefined, RESOURCE],
    ['', RESOURCE],
    ['*', RESOURCE],
    ['kind', { kind: 'list' }],
    ['items/name', { items: [{ name: 'a' }, { name: 'b' }] }],
    ['kind,items(name,size)', { kind: 'list', items: [{ name: 'a', size: '1' }, { name: 'b' }] }],
    [
      'items(owner/entity, name)',
      {
        items: [
          { name: 'a', owner: { entity: 'me' } },
          { name: 'b', owner: { entity: 'you' } },
        ],
      },
    ],
    [
      'items/owner/id,items/name',
      {
        items: [
          { name: 'a', owner: { id: '7' } },
          { name: 'b', owner: { id: '8' } },
        ],
      },
    ],
    ['nothing', {}],
  ])('%j choose', (fields, expected) => {
    expect(selectFields(RESOURCE, fields)).toEqual(expected);
  });

  test.each([',', 'items(', 'items(name', 'items)', 'items//name', 'items/', 'a,,b'])('%j are none', (fields) => {
    expect(() => selectFields(RESOURCE, fields)).toThrow(/Invalid field selection/);
  });
});
