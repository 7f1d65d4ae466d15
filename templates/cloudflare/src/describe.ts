import { z } from 'zod';

import { ExecuteRequest, RunRequest } from './api';
import { ERRORS } from './errors';
import { LIMITS } from './limits';

/** The API's description: what `GET /` answers, made from the schemas that check the requests. */
export function describe(version: string) {
  const schema = (of: z.ZodType) => z.toJSONSchema(of, { io: 'input', unrepresentable: 'any' });
  return {
    name: 'cct-cloudflare-sandbox',
    version,
    description: 'Asks Claude for a program and runs it in a fresh sandbox.',
    routes: {
      'GET /': { auth: false, does: 'describes this API; to a browser, a page to try it with' },
      'GET /health': { auth: false, does: 'says that the Worker is up, its version and what it can run' },
      'POST /execute': {
        auth: true,
        does: 'asks Claude for a program, runs it, answers with its output and files',
        request: schema(ExecuteRequest),
      },
      'POST /run': { auth: true, does: 'runs a program that you send; asks no model', request: schema(RunRequest) },
    },
    events: {
      accept: 'text/event-stream',
      names: ['started', 'generation', 'boot', 'program', 'attempt', 'stdout', 'stderr', 'file', 'result', 'error'],
      ends: 'with exactly one result or error',
    },
    limits: LIMITS,
    errors: ERRORS,
  };
}
