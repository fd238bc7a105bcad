import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const report = process.env.SLUICE_TEST_REPORT;
const source = (name: string) => fileURLToPath(new URL(`./src/${name}.ts`, import.meta.url));

const config: ViteUserConfig = defineConfig({
  // Node 20 does not know `using`; the compiler must lower it.
  oxc: { target: 'es2023' },
  resolve: {
    alias: [
      { find: /^sluice$/, replacement: source('index') },
      { find: /^sluice\/(.+)$/, replacement: source('$1') },
    ],
  },
  test: {
    // What takes longer than a test run may: `npm run test:soak`.
    include: [process.env.SLUICE_SOAK === undefined ? 'test/!(soak)/**/*.test.ts' : 'test/soak/**/*.test.ts'],
    globalSetup: ['test/build-first.ts'],
    // The SDK's versions are pinned to ones that run on Node 20.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Two cores: suites start servers and processes of their own.
    maxWorkers: 2,
    // Where to write the totals as JSON, besides printing them.
    ...(report === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: report } }),
  },
});

export default config;
