import * as z from 'zod';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry-policy.js';

type Field = z.ZodDefault<z.ZodNumber>;

/** Parts of a {@link RetryPolicy} as options give them; those left out are {@link DEFAULT_RETRY_POLICY}'s. */
export const retrySchema: z.ZodObject<Record<keyof RetryPolicy, Field>, z.core.$strict> = z.strictObject({
  attempts: z.int().positive().default(DEFAULT_RETRY_POLICY.attempts),
  baseDelayMs: z.number().nonnegative().default(DEFAULT_RETRY_POLICY.baseDelayMs),
  maxDelayMs: z.number().nonnegative().default(DEFAULT_RETRY_POLICY.maxDelayMs),
  deadlineMs: z.number().positive().default(DEFAULT_RETRY_POLICY.deadlineMs),
});
