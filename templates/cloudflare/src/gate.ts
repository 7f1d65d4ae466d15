/** Bounds how many runs are under way at once, so that a leaked token cannot spend without limit. */
import { DurableObject } from 'cloudflare:workers';

import type { Env } from './env';
import { ApiError } from './errors';

/**
 * Longer than any run: three calls to Claude, the start and the longest timeout. A lease that nobody returned, because
 * the Worker itself was stopped, ends here.
 */
const LEASE_MS = 40 * 60_000;
const DEFAULT_LIMIT = 8;

export class RunGate extends DurableObject<Env> {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    state.storage.sql.exec('CREATE TABLE IF NOT EXISTS lease (id TEXT PRIMARY KEY, expires INTEGER NOT NULL)');
  }

  /** Returns false when `limit` runs are already under way. */
  enter(id: string, limit: number): boolean {
    const { sql } = this.ctx.storage;
    const now = Date.now();
    sql.exec('DELETE FROM lease WHERE expires <= ?', now);
    const { held } = sql.exec<{ held: number }>('SELECT count(*) AS held FROM lease').one();
    if (held >= limit) return false;
    sql.exec('INSERT INTO lease (id, expires) VALUES (?, ?)', id, now + LEASE_MS);
    return true;
  }

  leave(id: string): void {
    this.ctx.storage.sql.exec('DELETE FROM lease WHERE id = ?', id);
  }
}

/**
 * Runs `work` while holding a place, and tells it how many milliseconds it waited for that; a Worker without the
 * binding has no limit. Throws ApiError `too_many_runs`.
 */
export async function withinGate<T>(env: Env, id: string, work: (waitedMs: number) => Promise<T>): Promise<T> {
  if (!env.RUN_GATE) return work(0);
  const start = Date.now();
  const gate = env.RUN_GATE.get(env.RUN_GATE.idFromName('runs'));
  const limit = parseLimit(env.MAX_CONCURRENT_RUNS);
  if (!(await gate.enter(id, limit))) {
    throw new ApiError('too_many_runs', `This Worker serves at most ${limit} runs at a time.`);
  }
  const waitedMs = Date.now() - start;
  try {
    return await work(waitedMs);
  } finally {
    // A run that went well is not lost because its lease could not be returned: that ends by itself.
    await gate.leave(id).catch((error: unknown) => console.error(error));
  }
}

/** `0` is a limit too: it closes the Worker. */
function parseLimit(value: string | undefined): number {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : DEFAULT_LIMIT;
}
