/** Every bound of the API, in one place. Sizes are bytes, times are milliseconds. */
export const LIMITS = {
  executeBody: 256 * 1024,
  runBody: 16 * 1024 * 1024,
  questionCharacters: 100_000,
  systemCharacters: 200_000,
  maxTokens: { least: 256, most: 64_000, default: 16_000 },
  timeout: { least: 100, most: 300_000, default: 30_000 },
  output: 1024 * 1024,
  memory: 512 * 1024 * 1024,
  programFiles: 200,
  savedFiles: 1000,
  savedBytes: 10 * 1024 * 1024,
} as const;
