import { base64OfCrc32 } from '../checksums/combine-crcs.js';

/** Follows the bytes of an object, to tell whether they are those that the service keeps. */
export interface ContentCheck {
  update(chunk: Uint8Array): void;
  /** What is wrong with the bytes that came, in words; `undefined` when they are right. */
  complaint(): string | undefined;
}

/** A checksum that is fed in pieces. */
export interface RunningSum {
  update(chunk: Uint8Array): void;
  /** Base64. */
  value(): string;
}

/** A 32-bit CRC that is fed in pieces; `next` gives the sum of bytes that follow others. */
export function runningCrc(next: (bytes: Uint8Array, before: number) => number): RunningSum {
  let sum = 0;
  return {
    update: (chunk) => {
      sum = next(chunk, sum);
    },
    value: () => base64OfCrc32(sum),
  };
}

/** The check that a sum comes out as the service announced it, in base64. */
export function checkFor(name: string, announced: string, sum: RunningSum): ContentCheck {
  return {
    update: sum.update,
    complaint() {
      const found = sum.value();
      return found === announced ? undefined : `its ${name} is ${found}, the service announced ${announced}`;
    },
  };
}
