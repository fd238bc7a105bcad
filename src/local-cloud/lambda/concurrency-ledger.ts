import { LambdaError, type ThrottleReason, throttled } from './lambda-error.js';

// AWS Lambda Developer Guide, "Configuring reserved concurrency": 100 units stay for functions without a reservation.
const MIN_UNRESERVED = 100;

/**
 * Counts what runs at the moment against the account's limit and the functions' reservations. A reservation is a
 * limit and a guarantee at once; functions without one share the rest (AWS Lambda Developer Guide, "Understanding
 * Lambda function scaling").
 */
export class ConcurrencyLedger {
  readonly accountLimit: number;
  readonly #reserved = new Map<string, number>();
  readonly #running = new Map<string, number>();

  constructor(accountLimit: number) {
    this.accountLimit = accountLimit;
  }

  /** What functions without a reservation share. */
  get unreserved(): number {
    return this.accountLimit - sum(this.#reserved.values());
  }

  /** What functions may still reserve. */
  get reservable(): number {
    return this.unreserved - this.#leastUnreserved();
  }

  /** @throws {LambdaError} `InvalidParameterValueException` when too little would be left for the other functions. */
  reserve(functionName: string, amount: number): void {
    const least = this.#leastUnreserved();
    const left = this.unreserved + (this.#reserved.get(functionName) ?? 0) - amount;
    if (left < least) {
      throw new LambdaError(
        'InvalidParameterValueException',
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below " +
          `its minimum value of [${least}].`,
      );
    }
    this.#reserved.set(functionName, amount);
  }

  /** Accounts smaller than that exist here only; they may reserve all they have. */
  #leastUnreserved(): number {
    return this.accountLimit > MIN_UNRESERVED ? MIN_UNRESERVED : 0;
  }

  free(functionName: string): void {
    this.#reserved.delete(functionName);
  }

  /** Why one more invocation of the function cannot start now, if so. */
  obstacle(functionName: string): ThrottleReason | undefined {
    const reserved = this.#reserved.get(functionName);
    if (reserved !== undefined) {
      const full = (this.#running.get(functionName) ?? 0) >= reserved;
      return full ? 'ReservedFunctionConcurrentInvocationLimitExceeded' : undefined;
    }
    const sharing = [...this.#running].filter(([name]) => !this.#reserved.has(name)).map(([, count]) => count);
    return sum(sharing) >= this.unreserved ? 'ConcurrentInvocationLimitExceeded' : undefined;
  }

  /** Counts an invocation until the function it returns is called. @throws {LambdaError} `TooManyRequestsException` */
  enter(functionName: string): () => void {
    const obstacle = this.obstacle(functionName);
    if (obstacle !== undefined) throw throttled(obstacle);
    this.#running.set(functionName, (this.#running.get(functionName) ?? 0) + 1);
    return () => {
      const left = (this.#running.get(functionName) ?? 0) - 1;
      if (left > 0) this.#running.set(functionName, left);
      else this.#running.delete(functionName);
    };
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
