import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    cloudflareTest(({ inject }) => ({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          CCT_TOKEN: 'token-for-tests',
          ANTHROPIC_API_KEY: 'sk-ant-key-for-tests',
          ANTHROPIC_BASE_URL: inject('modelUrl'),
        },
      },
    })),
  ],
  test: {
    // Answers instead of Claude's API, over HTTP on this machine.
    globalSetup: ['./test/model-server.ts'],
    testTimeout: 30_000,
  },
});
