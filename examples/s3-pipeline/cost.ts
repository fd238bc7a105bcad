/**
 * Prices of AWS Lambda in US East (N. Virginia), x86, first tier, without the free tier.
 * Source: https://aws.amazon.com/lambda/pricing/ as artillery 2.0.28 (lib/platform/aws-lambda/prices.js) had it in 2026.
 */
export const LAMBDA_PRICES = { usdPerGbSecond: 0.0000166667, usdPerMillionRequests: 0.2 } as const;

/** What Lambda bills for: invocations, and memory × time, as the service itself measured them. */
export interface LambdaUse {
  readonly requests: number;
  readonly gbSeconds: number;
}

/** US dollars Lambda charges for `use`, at {@link LAMBDA_PRICES}. S3 requests and storage are not in it. */
export function lambdaCostUsd(use: LambdaUse): number {
  return (
    use.gbSeconds * LAMBDA_PRICES.usdPerGbSecond + (use.requests / 1_000_000) * LAMBDA_PRICES.usdPerMillionRequests
  );
}

/** `$0.000213 (34 requests, 12.34 GB-seconds)`. */
export function formatLambdaCost(use: LambdaUse): string {
  const requests = `${use.requests.toLocaleString('en-US')} ${use.requests === 1 ? 'request' : 'requests'}`;
  return `$${lambdaCostUsd(use).toFixed(6)} (${requests}, ${use.gbSeconds.toFixed(2)} GB-seconds)`;
}

/** What Lambda would charge for an executor's work, and by which prices. */
export function formatLambdaPrice(
  use: { readonly attempts: number; readonly billedGbSeconds: number } | undefined,
): string {
  const { usdPerGbSecond, usdPerMillionRequests } = LAMBDA_PRICES;
  const price = formatLambdaCost({ requests: use?.attempts ?? 0, gbSeconds: use?.billedGbSeconds ?? 0 });
  return [
    `Lambda would charge ${price}:`,
    `  $${usdPerGbSecond} per GB-second and $${usdPerMillionRequests.toFixed(2)} per million requests (us-east-1, x86)`,
  ].join('\n');
}
