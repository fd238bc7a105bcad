import { checkCodeArchive } from './code-archive.js';
import type { ConcurrencyLedger } from './concurrency-ledger.js';
import { type FunctionReference, functionArn, LATEST, notFound, parseFunctionName } from './function-name.js';
import { type FunctionRecord, functionConfiguration, revised } from './function-record.js';
import { parseCreateFunction, parseUpdateCode, parseUpdateSettings } from './function-requests.js';
import type { FunctionStore } from './function-store.js';
import { LambdaError } from './lambda-error.js';

/** The control plane: what the Lambda API does with functions, short of running them. Answers are bodies as sent. */
export interface Functions {
  create(body: Buffer): Promise<Record<string, unknown>>;
  /** Code and tags with the configuration (GetFunction). */
  describe(reference: FunctionReference): Record<string, unknown>;
  configuration(reference: FunctionReference): Record<string, unknown>;
  list(page: { readonly marker: string | undefined; readonly maxItems: number }): Record<string, unknown>;
  updateCode(reference: FunctionReference, body: Buffer): Promise<Record<string, unknown>>;
  updateSettings(reference: FunctionReference, body: Buffer): Promise<Record<string, unknown>>;
  delete(reference: FunctionReference): Promise<void>;
  usage(): { readonly FunctionCount: number; readonly TotalCodeSize: number };
  /** @throws {LambdaError} `ResourceNotFoundException` */
  find(reference: FunctionReference): FunctionRecord;
}

/** What the control plane works on. `onChange` is called after a function was changed or deleted. */
export interface FunctionsContext {
  readonly region: string;
  readonly store: FunctionStore;
  readonly ledger: ConcurrencyLedger;
  onChange(): void;
}

/** The control plane over a store. */
export function createFunctions({ region, store, ledger, onChange }: FunctionsContext): Functions {
  const show = (record: FunctionRecord): Record<string, unknown> => functionConfiguration(record, region);
  const find = (reference: FunctionReference): FunctionRecord => findFunction(store, region, reference);
  const keep = async (record: FunctionRecord): Promise<Record<string, unknown>> => {
    await store.put(record);
    onChange();
    return show(record);
  };
  return {
    find,
    usage: () => ({
      FunctionCount: store.list().length,
      TotalCodeSize: store.list().reduce((total, { code }) => total + code.size, 0),
    }),
    async create(body) {
      const { name: given, zip, settings, tags } = parseCreateFunction(body);
      const { name } = parseFunctionName(given, region);
      refuseExisting(store, region, name);
      checkCodeArchive(zip);
      const code = await store.putCode(zip);
      refuseExisting(store, region, name);
      return keep(revised({ name, settings, code, tags }));
    },
    describe(reference) {
      const record = find(reference);
      const { tags, reservedConcurrency } = record;
      return {
        Configuration: show(record),
        Code: { RepositoryType: 'S3' },
        ...(Object.keys(tags).length === 0 ? {} : { Tags: tags }),
        ...(reservedConcurrency === undefined
          ? {}
          : { Concurrency: { ReservedConcurrentExecutions: reservedConcurrency } }),
      };
    },
    configuration: (reference) => show(find(reference)),
    list: ({ marker, maxItems }) => {
      const rest = store.list().filter(({ name }) => marker === undefined || name > marker);
      const page = rest.slice(0, maxItems);
      return { Functions: page.map(show), ...(rest.length > page.length ? { NextMarker: page.at(-1)?.name } : {}) };
    },
    async updateCode(reference, body) {
      const { zip, dryRun, revisionId } = parseUpdateCode(body);
      refuseOtherRevision(find(reference), revisionId);
      checkCodeArchive(zip);
      if (dryRun) return show(find(reference));
      const code = await store.putCode(zip);
      return keep(revised(find(reference), { code }));
    },
    async updateSettings(reference, body) {
      const { changes, revisionId } = parseUpdateSettings(body);
      const record = find(reference);
      refuseOtherRevision(record, revisionId);
      return keep(revised(record, { settings: { ...record.settings, ...changes } }));
    },
    async delete(reference) {
      const { name } = find(reference);
      await store.delete(name);
      ledger.free(name);
      onChange();
    },
  };
}

function findFunction(store: FunctionStore, region: string, { name, qualifier }: FunctionReference): FunctionRecord {
  const record = store.get(name);
  const arn = functionArn(region, name);
  if (qualifier !== LATEST) throw notFound(`${arn}:${qualifier}`);
  if (record === undefined) throw notFound(arn);
  return record;
}

function refuseExisting(store: FunctionStore, region: string, name: string): void {
  if (store.get(name) === undefined) return;
  throw new LambdaError('ResourceConflictException', `Function already exist: ${functionArn(region, name)}`);
}

function refuseOtherRevision(record: FunctionRecord, revisionId: string | undefined): void {
  if (revisionId === undefined || revisionId === record.revisionId) return;
  throw new LambdaError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction API to retrieve the latest Revision Id',
  );
}
