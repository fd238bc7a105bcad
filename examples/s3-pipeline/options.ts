import { parseArgs } from 'node:util';

/** What the job is asked for. */
export interface JobOptions {
  /** `local`: an in-process stand-in is started and closed; otherwise a real account is used. */
  readonly cloud: 'local' | Account;
  readonly bucket: string;
  /** Undefined: what the AWS SDK finds in the environment. */
  readonly region: string | undefined;
  readonly shards: number;
  /** Folder for the report, beside the user. */
  readonly outDir: string;
  /** What becomes of the shards and other objects between the data and the report. */
  readonly intermediates: 'keep' | 'delete';
}

/** Real clouds that a job may be asked to use. */
export type Account = 'aws' | 'gcp';

export const HELP = `Usage: npm start -- [options]

Takes 231,083 flights through S3 and AWS Lambda to a report on their delays.
Without --aws, on an embedded stand-in for both: no account is needed.

  --shards N    pieces the flights are cut into, 1 to 1000 (default 24)
  --out DIR     folder for flights.csv and flights.html (default report)
  --keep        keep the shards and the raw table
  --aws         use a real AWS account, after: sluice deploy lambda
  --bucket B    S3 bucket to use (needed with --aws)
  --region R    AWS region (default: that of the environment)
  --help        print this
`;

/**
 * Reads the command line of a job that knows this cloud; `'help'` when it asks for help.
 * @throws naming every argument that does not exist or does not fit.
 */
export function parseJobOptions(args: readonly string[], account: Account = 'aws'): JobOptions | 'help' {
  const { values, tokens } = parseArgs({ args: [...args], options: OPTIONS[account], strict: false, tokens: true });
  if (values.help === true) return 'help';
  const faults = tokens.flatMap((token) => faultOf(token, OPTIONS[account]));
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined);
  const shards = Number(text('shards') ?? 24);
  if (!Number.isInteger(shards) || shards < 1 || shards > 1000) faults.push('--shards needs a whole number, 1 to 1000');
  const cloud = values[account] === true ? account : 'local';
  if (cloud !== 'local' && text('bucket') === undefined) faults.push(`--${account} needs --bucket B`);
  if (faults.length > 0) throw new Error(`${faults.join('; ')} (see --help)`);
  return {
    cloud,
    bucket: text('bucket') ?? 'flights',
    region: text('region'),
    shards,
    outDir: text('out') ?? 'report',
    intermediates: values.keep === true ? 'keep' : 'delete',
  };
}

type Options = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;

const SHARED: Options = {
  shards: { type: 'string' },
  bucket: { type: 'string' },
  out: { type: 'string' },
  keep: { type: 'boolean' },
  help: { type: 'boolean' },
};
const OPTIONS: Readonly<Record<Account, Options>> = {
  aws: { ...SHARED, region: { type: 'string' }, aws: { type: 'boolean' } },
  gcp: { ...SHARED, gcp: { type: 'boolean' } },
};

interface Token {
  readonly kind: string;
  /** Of an option: its name without and with dashes, and what stands behind it. */
  readonly name?: string;
  readonly rawName?: string;
  readonly value?: string | undefined;
  /** Whether the value stands behind `=`. */
  readonly inlineValue?: boolean | undefined;
}

function faultOf(token: Token, options: Options): string[] {
  const { kind, name = '', rawName, value, inlineValue } = token;
  if (kind === 'positional') return [`${JSON.stringify(value)} is not an option`];
  if (kind !== 'option') return [];
  const type = Object.hasOwn(options, name) ? options[name]?.type : undefined;
  if (type === undefined) return [`there is no ${rawName}`];
  const isNext = inlineValue === false && value?.startsWith('--');
  if (type === 'string' && (value === undefined || value === '' || isNext)) return [`${rawName} needs a value`];
  if (type === 'boolean' && value !== undefined) return [`${rawName} takes no value`];
  return [];
}
