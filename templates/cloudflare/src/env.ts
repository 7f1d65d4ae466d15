import type { RunGate } from './gate';

/** What this Worker is given: bindings and variables of wrangler.toml, and secrets. */
export interface Env {
  /** Secret: what callers must present. Without it the Worker serves nothing but `/` and `/health`. */
  CCT_TOKEN?: string;
  /** Secret: a second token that counts as well, only while `cct secret rotate` replaces the first. */
  CCT_TOKEN_NEXT?: string;
  /** Which deployment this is, set by `cct deploy`, which then waits until `/health` tells it. */
  CCT_DEPLOYMENT?: string;
  /** Secret: the key that pays for generation. */
  ANTHROPIC_API_KEY?: string;
  /** Another endpoint that speaks Anthropic's Messages API: a gateway, a local model, a test. */
  ANTHROPIC_BASE_URL?: string;
  DEFAULT_MODEL?: string;
  /** Origins of browser pages that may call, separated by commas. */
  ALLOWED_ORIGINS?: string;
  /** How many runs may be under way at once, over the whole Worker. */
  MAX_CONCURRENT_RUNS?: string;
  ASSETS?: Fetcher;
  LOADER?: WorkerLoader;
  RUN_GATE?: DurableObjectNamespace<RunGate>;
  /** Only with the container tier: one Durable Object, and so one container, for each run. */
  SANDBOX?: DurableObjectNamespace;
  /** Only on a developer's machine: the supervisor that starts one `workerd` per run. */
  RUNNER?: Fetcher;
}
