import { Hono, type Context as HonoContext } from 'hono';
import { cors } from 'hono/cors';
import type { z } from 'zod';

import { version } from '../package.json';
import { type Answer, type Emit, ExecuteRequest, LANGUAGES, RunRequest } from './api';
import { allowedOrigins, checkOrigin, requireSetup, requireToken } from './auth';
import { parseBody } from './body';
import type { Env } from './env';
import { ApiError, toApiError } from './errors';
import { execute, runProgram, type Context } from './execute';
import { withinGate } from './gate';
import { LIMITS } from './limits';
import { serverTiming, timed } from './metrics';
import { resolveModel } from './models';
import { home } from './playground';
import { availableSandboxes } from './sandbox/select';
import { eventStream } from './sse';

export { RunGate } from './gate';

type App = HonoContext<{ Bindings: Env }>;

const app = new Hono<{ Bindings: Env }>();

app.use(
  timed,
  checkOrigin,
  cors({
    origin: (origin, context: App) => (allowedOrigins(context.env).includes(origin) ? origin : null),
    allowMethods: ['GET', 'POST'],
    allowHeaders: ['Authorization', 'Content-Type'],
    exposeHeaders: ['Server-Timing'],
  }),
);

app.get('/', (context) => home(context, version));

app.get('/health', ({ env, json }) =>
  json({
    status: 'ok',
    timestamp: new Date().toISOString(),
    worker: 'cct-cloudflare-sandbox',
    version,
    model: resolveModel(env.DEFAULT_MODEL),
    languages: LANGUAGES,
    sandboxes: availableSandboxes(env),
    deployment: env.CCT_DEPLOYMENT || null,
  }),
);

// Everything from here on is closed until the Worker has been set up.
app.use(requireSetup);

app.post('/execute', requireToken, (context) => serve(context, ExecuteRequest, LIMITS.executeBody, execute));

app.post('/run', requireToken, (context) => serve(context, RunRequest, LIMITS.runBody, runProgram));

const METHODS: Record<string, string> = { '/': 'GET', '/health': 'GET', '/execute': 'POST', '/run': 'POST' };

app.notFound((context) => {
  const { path } = context.req;
  const method = METHODS[path];
  if (!method) throw new ApiError('not_found', `There is no ${path} here.`);
  context.header('Allow', method);
  throw new ApiError('method_not_allowed', `${path} takes ${method}.`);
});

app.onError((error, context) => {
  // Nobody is left to read it, and that is no fault to be logged.
  if (context.req.raw.signal.aborted) return new Response(null, { status: 499 });
  const known = toApiError(error);
  return context.json(known.toBody(), known.status as 500);
});

/** Parses the request, then does the work as one JSON answer or as a stream of events, as the client asked. */
async function serve<T>(
  context: App,
  schema: z.ZodType<T>,
  mostBytes: number,
  work: (request: T, context: Context) => Promise<Answer>,
): Promise<Response> {
  const { env } = context;
  const { signal } = context.req.raw;
  const arrived = Date.now();
  let queueMs = 0;
  const request = await parseBody(context.req.raw, schema, mostBytes);
  const start = (emit: Emit): Promise<Answer> => {
    const running = withinGate(env, crypto.randomUUID(), (gateMs) => {
      queueMs = gateMs;
      return work(request, { env, signal, emit, start: arrived, gateMs });
    });
    // Without it the platform drops everything at once when the client leaves, and nothing is cleaned up.
    context.executionCtx.waitUntil(running.catch(() => undefined));
    return running;
  };
  const wantsEvents = context.req.header('Accept')?.includes('text/event-stream');
  if (wantsEvents) {
    const response = await eventStream(start, signal);
    // All that is known before the first event; the rest is in the metrics of the last.
    response.headers.set('Server-Timing', `queue;dur=${queueMs}`);
    return response;
  }
  const answer = await start(() => undefined);
  context.header('Server-Timing', serverTiming(answer.metrics));
  return context.json(answer);
}

export default app satisfies ExportedHandler<Env>;
