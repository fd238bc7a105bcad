import * as z from 'zod';
import type { ConcurrencyLedger } from './concurrency-ledger.js';
import type { FunctionRecord } from './function-record.js';
import type { FunctionStore } from './function-store.js';
import { parseRequestBody } from './request-body.js';

/** Reserved concurrency of functions: kept with the function, counted in the ledger. Answers are bodies as sent. */
export interface ReservedConcurrency {
  put(record: FunctionRecord, body: Buffer): Promise<Record<string, number>>;
  get(record: FunctionRecord): Record<string, number>;
  delete(record: FunctionRecord): Promise<void>;
}

const schema = z.object({ ReservedConcurrentExecutions: z.int().min(0) });

/** Takes over the reservations the store has already. */
export function createReservedConcurrency(store: FunctionStore, ledger: ConcurrencyLedger): ReservedConcurrency {
  for (const { name, reservedConcurrency } of store.list()) {
    // A restart may come with a smaller account limit: what fitted before need not fit now.
    if (reservedConcurrency !== undefined) ledger.reserve(name, Math.min(reservedConcurrency, ledger.reservable));
  }
  return {
    async put(record, body) {
      const amount = parseRequestBody(schema, body).ReservedConcurrentExecutions;
      ledger.reserve(record.name, amount);
      await store.put({ ...record, reservedConcurrency: amount });
      return { ReservedConcurrentExecutions: amount };
    },
    get: ({ reservedConcurrency }) =>
      reservedConcurrency === undefined ? {} : { ReservedConcurrentExecutions: reservedConcurrency },
    async delete({ reservedConcurrency: _freed, ...record }) {
      ledger.free(record.name);
      await store.put(record);
    },
  };
}
