/** Who may call: one bearer token, and only the browser origins that were named. */
import type { MiddlewareHandler } from 'hono';

import type { Env } from './env';
import { ApiError } from './errors';

type Middleware = MiddlewareHandler<{ Bindings: Env }>;

/** Fails closed: a Worker without a token serves nobody. */
export const requireSetup: Middleware = async (context, next) => {
  if (!context.env.CCT_TOKEN)
    throw new ApiError('not_configured', 'This Worker has no CCT_TOKEN, so it serves nobody.');
  await next();
};

/** Comes after `requireSetup`. */
export const requireToken: Middleware = async (context, next) => {
  const { CCT_TOKEN, CCT_TOKEN_NEXT } = context.env;
  const [, given] = /^Bearer +(\S+)$/i.exec(context.req.header('Authorization') ?? '') ?? [];
  // The second one is there while `cct secret rotate` is under way.
  const accepted = [CCT_TOKEN!, ...(CCT_TOKEN_NEXT ? [CCT_TOKEN_NEXT] : [])];
  if (given === undefined || !(await isOneOf(given, accepted))) {
    throw new ApiError('unauthorized', 'The bearer token is missing or wrong.');
  }
  await next();
};

/** Compares digests, and always with all: the time it takes shows no length, no first difference and no match. */
async function isOneOf(given: string, secrets: readonly string[]): Promise<boolean> {
  const digest = (value: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(value));
  const [asked, ...known] = await Promise.all([given, ...secrets].map(digest));
  return known.map((secret) => crypto.subtle.timingSafeEqual(asked!, secret)).includes(true);
}

/** `*` and `null` name no origin: anybody's page can be either. */
export function allowedOrigins(env: Env): string[] {
  return (env.ALLOWED_ORIGINS ?? '')
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => !['', '*', 'null'].includes(origin));
}

/** A page of another origin gets an error before anything else happens, not only an answer that it cannot read. */
export const checkOrigin: Middleware = async (context, next) => {
  const origin = context.req.header('Origin');
  const known = () => [new URL(context.req.url).origin, ...allowedOrigins(context.env)];
  if (origin !== undefined && !known().includes(origin)) {
    throw new ApiError('origin_forbidden', 'Pages of this origin may not call this Worker.');
  }
  await next();
};
