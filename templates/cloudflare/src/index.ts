import { Hono, type Context as HonoContext } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';

import { version } from '../package.json';
import { ExecuteRequest, LANGUAGES, RunRequest, type Answer, type Emit } from './api';
import { allowedOrigins, checkOrigin, requireToken } from './auth';
import { describe } from './describe';
import type { Env } from './env';
import { ApiError, toApiError } from './errors';
import { execute, runProgram, type Context } from './execute';
import { withinGate } from './gate';
import { LIMITS } from './limits';
import { resolveModel } from './models';
import { availableSandboxes } from './sandbox/select';

export { RunGate } from './gate';

type App = HonoContext<{ Bindings: Env }>;

/** A comment line this often keeps an idle stream open and tells the client that the Worker is alive. */
const PING_MS = 10_000;

const app = new Hono<{ Bindings: Env }>();

app.use(
  cors({
    origin: (origin, context: App) => (allowedOrigins(context.env).includes(origin) ? origin : null),
    allowMethods: ['GET', 'POST'],
    allowHeaders: ['Authorization', 'Content-Type'],
  }),
);

app.get('/', (context) => context.json(describe(version)));

app.get('/health', ({ env, json }) =>
  json({
    status: 'ok',
    timestamp: new Date().toISOString(),
    worker: 'cct-cloudflare-sandbox',
    version,
    model: resolveModel(env.DEFAULT_MODEL),
    languages: LANGUAGES,
    sandboxes: availableSandboxes(env),
  }),
);

const tooLarge = (most: number) =>
  bodyLimit({
    maxSize: most,
    onError: () => {
      throw new ApiError('payload_too_large', `The body is larger than ${most / 1024} KiB.`);
    },
  });

app.post('/execute', checkOrigin, requireToken, tooLarge(LIMITS.executeBody), (context) =>
  serve(context, ExecuteRequest, execute),
);

app.post('/run', checkOrigin, requireToken, tooLarge(LIMITS.runBody), (context) =>
  serve(context, RunRequest, runProgram),
);

const METHODS: Record<string, string> = { '/': 'GET', '/health': 'GET', '/execute': 'POST', '/run': 'POST' };

app.notFound((context) => {
  const method = METHODS[context.req.path];
  const error = method
    ? new ApiError('method_not_allowed', `${context.req.path} takes ${method}.`)
    : new ApiError('not_found', `There is no ${context.req.path} here.`);
  return context.json(error.toBody(), error.status as 404);
});

app.onError((error, context) => {
  const known = toApiError(error);
  return context.json(known.toBody(), known.status as 500);
});

async function parseBody<T>(context: App, schema: z.ZodType<T>): Promise<T> {
  const type = context.req.header('Content-Type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError('unsupported_media_type', `The body is ${type || 'of no named type'}, not JSON.`);
  }
  let body: unknown;
  try {
    body = JSON.parse(await context.req.text());
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('invalid_json', 'The body is not valid JSON.');
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.length > 0 ? issue.path.join('.') : 'The body';
  throw new ApiError('invalid_request', `${field}: ${issue.message}.`);
}

/** Parses the request, then does the work as one JSON answer or as a stream of events, as the client asked. */
async function serve<T>(
  context: App,
  schema: z.ZodType<T>,
  work: (request: T, context: Context) => Promise<Answer>,
): Promise<Response> {
  const request = await parseBody(context, schema);
  const { env } = context;
  const abort = new AbortController();
  context.req.raw.signal.addEventListener('abort', () => abort.abort());
  const start = (emit: Emit) =>
    withinGate(env, crypto.randomUUID(), () => work(request, { env, signal: abort.signal, emit }));

  if (!context.req.header('Accept')?.includes('text/event-stream')) {
    return context.json(await start(() => undefined));
  }
  return streamSSE(context, async (stream) => {
    stream.onAbort(() => abort.abort());
    const ping = setInterval(() => void stream.write(': ping\n\n'), PING_MS);
    // One after the other, and all of them before the stream is closed.
    let written: Promise<void> = Promise.resolve();
    const emit: Emit = (name, data) => {
      written = written.then(() => stream.writeSSE({ event: name, data: JSON.stringify(data) }));
    };
    try {
      emit('result', await start(emit));
    } catch (error) {
      emit('error', toApiError(error).toBody());
    } finally {
      clearInterval(ping);
      await written;
    }
  });
}

export default app satisfies ExportedHandler<Env>;
