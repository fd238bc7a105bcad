import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault, FaultRule, Faults } from '../../src/local-cloud/faults/fault.js';
import { type LocalCloud, startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import type { RetryPolicy } from '../../src/object-store/retry-policy.js';

/** A kind of store, as the tests of faults have to know it. */
export interface FaultyStore {
  readonly scheme: 's3' | 'gs';
  /** What its service calls the requests that are spoilt. */
  readonly operations: { readonly put: string; readonly get: string; readonly putPart: string };
  /** Codes of errors by which answers get lost, besides the service's own failure, by what the tests call them. */
  readonly lateErrors: { readonly 'a 503': string; readonly [name: string]: string };
  /** The requests of an upload in parts whose answers get lost: the so manieth of an operation, counted from 1. */
  readonly lostInParts: readonly { readonly operation: string; readonly nth: number }[];
  /** Uploads that such a one leaves open, since nobody knows their names. */
  readonly leftByLostParts: number;
  /** Makes a bucket in a local-cloud that keeps its state in `folder`. */
  openBucket(place: { readonly cloud: LocalCloud; readonly folder: string; readonly bucket: string }): Promise<{
    storeWith(patience: Patience): ObjectStore;
    /** How many were begun and are not over. */
    uploads(): Promise<number>;
    close(): Promise<void>;
  }>;
}

/** How long a store waits for its service, and how often it asks. */
export interface Patience {
  readonly retry: Partial<RetryPolicy>;
  readonly idleTimeoutMs?: number;
}

/** A bucket of a service that goes wrong as it is told. */
export interface FaultyBucket {
  readonly faults: Faults;
  /** Asks again at once, so that what is tested is what is retried and not how long it waits. */
  readonly store: ObjectStore;
  /** A further one, which differs in this; it is closed with the bucket. */
  storeWith(patience: Partial<Patience>): ObjectStore;
  uploads(): Promise<number>;
  /** Spoils the first request that the rule is for, and nothing else. */
  once(rule: FaultRule): void;
  /** How many requests each rule has spoilt. */
  injected(): number[];
  close(): Promise<void>;
}

/** Name of the bucket. */
export const BUCKET = 'bucket';
const AT_ONCE: Partial<RetryPolicy> = { baseDelayMs: 1, maxDelayMs: 5 };

/** Starts a local-cloud with a bucket; `close` ends everything. */
export async function openFaultyBucket(kind: FaultyStore): Promise<FaultyBucket> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
  const cloud = await startLocalCloud({ folder });
  const closeCloud = async (): Promise<void> => {
    await cloud.close();
    await rm(folder, { recursive: true, force: true });
  };
  const { faults } = cloud;
  const stores: ObjectStore[] = [];
  try {
    const bucket = await kind.openBucket({ cloud, folder, bucket: BUCKET });
    const storeWith = (patience: Partial<Patience>): ObjectStore => {
      const store = bucket.storeWith({ retry: AT_ONCE, ...patience });
      stores.push(store);
      return store;
    };
    return {
      faults,
      store: storeWith({}),
      storeWith,
      uploads: () => bucket.uploads(),
      once: (rule) => faults.set([{ times: 1, ...rule }]),
      injected: () => faults.counts().map((count) => count.injected),
      close: async () => {
        await Promise.all(stores.map((store) => store.close()));
        await bucket.close();
        await closeCloud();
      },
    };
  } catch (error) {
    await closeCloud();
    throw error;
  }
}

/** What a request that was done is answered with, by what the tests call it. */
export function lostAnswers({ lateErrors }: FaultyStore): readonly [string, Fault][] {
  const errors = Object.entries(lateErrors).map(([name, code]): [string, Fault] => [
    name,
    { kind: 'error', code, execution: 'after' },
  ]);
  return [
    ['a 500', { kind: 'error', execution: 'after' }],
    ...errors,
    ['a cut connection', { kind: 'cut', where: 'answer' }],
  ];
}
