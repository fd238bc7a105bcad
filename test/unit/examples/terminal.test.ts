import { describe, expect, test } from 'vitest';
import { HELP as GCS_HELP } from '../../../examples/gcs-pipeline/help.js';
import { formatLambdaCost, lambdaCostUsd } from '../../../examples/s3-pipeline/cost.js';
import { HELP, parseJobOptions } from '../../../examples/s3-pipeline/options.js';
import { reduceTree } from '../../../examples/s3-pipeline/reduce-tree.js';
import { formatColumns } from '../../../examples/s3-pipeline/report-table.js';

describe('options of the job', () => {
  test('have a default for everything', () => {
    expect(parseJobOptions([])).toEqual({
      cloud: 'local',
      bucket: 'flights',
      region: undefined,
      shards: 24,
      outDir: 'report',
      intermediates: 'delete',
    });
  });

  test('are read', () => {
    const args = ['--aws', '--bucket', 'mine', '--region=eu-west-1', '--shards', '7', '--out', 'there', '--keep'];
    expect(parseJobOptions(args)).toEqual({
      cloud: 'aws',
      bucket: 'mine',
      region: 'eu-west-1',
      shards: 7,
      outDir: 'there',
      intermediates: 'keep',
    });
  });

  test('that do not exist or do not fit are all named at once', () => {
    const parse = () => parseJobOptions(['--shard', '3', '--shards', '0', '--aws', '--keep=yes', 'more', '--out']);
    for (const fault of ['--shard;', '--shards needs', '--aws needs', '--out needs', '--keep takes', '"more"']) {
      expect(parse).toThrow(fault);
    }
  });

  test('do not take the next option for their value', () => {
    expect(() => parseJobOptions(['--out', '--keep'])).toThrow('--out needs a value');
  });

  test('include help, which names every option', () => {
    expect(parseJobOptions(['--help', '--nonsense'])).toBe('help');
    for (const name of ['shards', 'out', 'keep', 'aws', 'bucket', 'region']) expect(HELP).toContain(`--${name}`);
    for (const name of ['shards', 'out', 'keep', 'gcp', 'bucket']) expect(GCS_HELP).toContain(`--${name}`);
  });

  test('are those of its own cloud', () => {
    expect(parseJobOptions(['--gcp', '--bucket', 'mine'], 'gcp')).toMatchObject({ cloud: 'gcp', bucket: 'mine' });
    expect(() => parseJobOptions(['--gcp'], 'gcp')).toThrow('--gcp needs --bucket');
    expect(() => parseJobOptions(['--aws'], 'gcp')).toThrow('there is no --aws');
    expect(() => parseJobOptions(['--gcp'])).toThrow('there is no --gcp');
  });
});

test('the cost is memory times time, and requests', () => {
  expect(lambdaCostUsd({ requests: 1_000_000, gbSeconds: 0 })).toBeCloseTo(0.2);
  expect(lambdaCostUsd({ requests: 0, gbSeconds: 400_000 })).toBeCloseTo(6.66668);
  expect(formatLambdaCost({ requests: 1, gbSeconds: 2.5 })).toBe('$0.000042 (1 request, 2.50 GB-seconds)');
});

test('columns are aligned, the first to the left', () => {
  expect(
    formatColumns([
      ['', 'n'],
      ['long name', '1'],
      ['x', '12345'],
    ]),
  ).toBe(['               n', '────────────────', 'long name      1', 'x          12345'].join('\n'));
});

test.each([
  [1, 0],
  [4, 1],
  [5, 2],
  [24, 9],
  [64, 21],
])('a tree over %i leaves takes %i merges of at most four, and loses none', (count, merges) => {
  const leaves = Array.from({ length: count }, (_, index) => [index]);
  const sizes: number[] = [];
  const all = reduceTree(leaves, 4, (branch) => {
    sizes.push(branch.length);
    return branch.flat();
  });
  expect(all).toEqual(leaves.flat());
  expect(sizes).toHaveLength(merges);
  expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(4);
});
