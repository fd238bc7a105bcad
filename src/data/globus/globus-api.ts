import * as z from 'zod';
import { GlobusRefusalError } from './globus-errors.js';
import { createAsk, refreshTokens } from './globus-request.js';
import { givenTokens, storedTokens } from './globus-tokens.js';

/** What a collection says of a file or a folder. Source: Globus Transfer API, "File Operations", "File Document". */
export interface GlobusEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly size: number;
  /** Time of modification as Globus writes it, in whole seconds; absent where the collection tells none. */
  readonly modified: string | undefined;
}

/** One page of a folder. */
export interface GlobusPage {
  readonly entries: readonly GlobusEntry[];
  /** Whether files of this collection can be given other names. */
  readonly canRename: boolean;
  /** Whether there may be more behind it. */
  readonly hasMore: boolean;
}

/** What is known of a task. Source: Globus Transfer API, "Task Management", "Task Document". */
export interface GlobusTask {
  readonly status: 'ACTIVE' | 'INACTIVE' | 'SUCCEEDED' | 'FAILED';
  /** `OK`, `Queued`, or the code of what stands in its way now. */
  readonly nice: string;
  /** The same for people. */
  readonly text: string;
  /** What ended it, if something did. */
  readonly fatal: { readonly code: string; readonly description: string } | undefined;
  readonly faults: number;
  readonly bytes: number;
  readonly isPaused: boolean;
}

/** One file of a transfer. */
export interface TransferItem {
  readonly from: string;
  readonly to: string;
}

export interface TransferRequest {
  readonly submissionId: string;
  readonly source: string;
  readonly destination: string;
  readonly items: readonly TransferItem[];
  /** When Globus gives up. */
  readonly deadline: Date;
  readonly encrypt: boolean;
}

/**
 * The parts of Globus's Transfer API that staging needs, with retries, back-off and fresh tokens. Every method rejects with
 * `NOT_FOUND`, `ACCESS_DENIED`, `INVALID_OPTIONS`, `THROTTLED`, `SERVICE_FAILED`, or with `signal.reason`.
 */
export interface GlobusApi {
  stat(collection: string, path: string, signal: AbortSignal | undefined): Promise<GlobusEntry>;
  /** Entries of a folder, from the `offset`-th on, at most `limit`. Default: 10,000 of the 100,000 that Globus allows. */
  list(
    collection: string,
    path: string,
    page: { readonly offset?: number; readonly limit?: number },
    signal: AbortSignal,
  ): Promise<GlobusPage>;
  makeFolder(collection: string, path: string, signal: AbortSignal): Promise<void>;
  rename(collection: string, names: { readonly from: string; readonly to: string }, signal: AbortSignal): Promise<void>;
  /** An id under which a task is submitted once, however often that is asked for. */
  submissionId(signal: AbortSignal): Promise<string>;
  /** Resolves with the id of the task. */
  transfer(request: TransferRequest, signal: AbortSignal): Promise<string>;
  /** Removes files; those that are not there count as removed. Resolves with the id of the task. */
  remove(
    request: { readonly submissionId: string; readonly collection: string; readonly paths: readonly string[] },
    signal: AbortSignal,
  ): Promise<string>;
  task(id: string, signal: AbortSignal): Promise<GlobusTask>;
  cancel(id: string, signal: AbortSignal): Promise<void>;
}

const PAGE_ENTRIES = 10_000;

export interface GlobusApiOptions {
  readonly accessToken?: string | (() => string | Promise<string>);
  readonly tokenFile: string;
}

/** No I/O: the package loads, and tokens are read, with the first request. */
export function createGlobusApi({ accessToken, tokenFile }: GlobusApiOptions): GlobusApi {
  const tokens = accessToken === undefined ? storedTokens(tokenFile, refreshTokens) : givenTokens(accessToken);
  const ask = createAsk(tokens);
  return {
    async stat(collection, path, signal) {
      const what = `look at globus://${collection}${path}`;
      return entryOf(
        await ask({ what, signal, answer: fileDocument }, ({ fileOperations }, sdk) =>
          fileOperations.stat(collection, { query: { path } }, sdk),
        ),
      );
    },
    async list(collection, path, { offset = 0, limit = PAGE_ENTRIES }, signal) {
      const what = `list globus://${collection}${path}`;
      const query = { path, show_hidden: 'true' as const, limit, offset };
      const page = await ask({ what, signal, answer: fileList }, ({ fileOperations }, sdk) =>
        fileOperations.ls(collection, { query: query as never }, sdk),
      );
      return {
        entries: page.DATA.map(entryOf),
        canRename: page.rename_supported ?? true,
        hasMore: page.total == null ? page.DATA.length >= limit : offset + page.DATA.length < page.total,
      };
    },
    async makeFolder(collection, path, signal) {
      const what = `create the folder globus://${collection}${path}`;
      await ask({ what, signal, answer: anything }, ({ fileOperations }, sdk) =>
        fileOperations.mkdir(collection, { payload: { path } }, sdk),
      );
    },
    async rename(collection, { from, to }, signal) {
      const what = `give globus://${collection}${from} the name ${to}`;
      const payload = { old_path: from, new_path: to };
      await ask({ what, signal, answer: anything, mayPass: isNoRefusal }, ({ fileOperations }, sdk) =>
        fileOperations.rename(collection, { payload }, sdk),
      );
    },
    async submissionId(signal) {
      const what = 'get a submission id';
      const { value } = await ask(
        { what, signal, answer: z.object({ value: z.string() }) },
        ({ taskSubmission }, sdk) => taskSubmission.submissionId({}, sdk),
      );
      return value;
    },
    async transfer({ submissionId, source, destination, items, deadline, encrypt }, signal) {
      const payload = {
        submission_id: submissionId,
        label: 'sluice',
        source_endpoint: source,
        destination_endpoint: destination,
        deadline: deadline.toISOString(),
        verify_checksum: true,
        encrypt_data: encrypt,
        // Files of tasks: nobody wants a letter about each.
        notify_on_succeeded: false,
        notify_on_failed: false,
        fail_on_quota_errors: true,
        DATA: items.map(({ from, to }) => ({
          DATA_TYPE: 'transfer_item' as const,
          source_path: from,
          destination_path: to,
          recursive: false,
        })),
      };
      const what = `submit a transfer from ${source} to ${destination}`;
      const { task_id } = await ask({ what, signal, answer: submitted }, ({ taskSubmission }, sdk) =>
        taskSubmission.submitTransfer({ payload }, sdk),
      );
      return task_id;
    },
    async remove({ submissionId, collection, paths }, signal) {
      const payload = {
        submission_id: submissionId,
        label: 'sluice',
        endpoint: collection,
        ignore_missing: true,
        recursive: false,
        interpret_globs: false,
        notify_on_succeeded: false,
        notify_on_failed: false,
        DATA: paths.map((path) => ({ DATA_TYPE: 'delete_item' as const, path })),
      };
      const what = `remove files of ${collection}`;
      const { task_id } = await ask({ what, signal, answer: submitted }, ({ taskSubmission }, sdk) =>
        taskSubmission.submitDelete({ payload }, sdk),
      );
      return task_id;
    },
    async task(id, signal) {
      const found = await ask({ what: `look at the task ${id}`, signal, answer: taskDocument }, ({ task }, sdk) =>
        task.get(id, {}, sdk),
      );
      return {
        status: found.status,
        nice: found.nice_status ?? 'OK',
        text: found.nice_status_short_description ?? '',
        fatal: found.fatal_error ?? undefined,
        faults: found.faults ?? 0,
        bytes: found.bytes_transferred ?? 0,
        isPaused: found.is_paused ?? false,
      };
    },
    async cancel(id, signal) {
      await ask({ what: `cancel the task ${id}`, signal, answer: anything }, ({ task }, sdk) =>
        task.cancel(id, {}, sdk),
      );
    },
  };
}

// What stands in the way of a name, such as a file that has it, collections tell as any other failure.
function isNoRefusal(error: unknown): boolean {
  return !(error instanceof GlobusRefusalError && error.refusal === 'EndpointError');
}

const anything = z.unknown();
const submitted = z.object({ task_id: z.string() });
const fileDocument = z.object({
  name: z.string(),
  type: z.string(),
  size: z.number().nullish(),
  last_modified: z.string().nullish(),
});
const fileList = z.object({
  DATA: z.array(fileDocument),
  rename_supported: z.boolean().nullish(),
  total: z.number().nullish(),
});
const taskDocument = z.object({
  status: z.enum(['ACTIVE', 'INACTIVE', 'SUCCEEDED', 'FAILED']),
  nice_status: z.string().nullish(),
  nice_status_short_description: z.string().nullish(),
  fatal_error: z.object({ code: z.string(), description: z.string() }).nullish(),
  faults: z.number().nullish(),
  bytes_transferred: z.number().nullish(),
  is_paused: z.boolean().nullish(),
});

function entryOf({ name, type, size, last_modified }: z.infer<typeof fileDocument>): GlobusEntry {
  return {
    name,
    kind: type === 'file' ? 'file' : type === 'dir' ? 'folder' : 'other',
    size: size ?? 0,
    modified: last_modified ?? undefined,
  };
}
