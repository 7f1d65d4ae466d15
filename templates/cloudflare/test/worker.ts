/// <reference types="@cloudflare/vitest-plugin/types" />
/** Requests to the Worker as its callers make them, and what comes back. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env as bindings } from 'cloudflare:workers';
import { expect, vi } from 'vitest';

import type { Answer, Events } from '../src/api';
import type { Env } from '../src/env';
import { ERRORS, type ErrorBody, type ErrorCode } from '../src/errors';
import worker from '../src/index';
import type { ProgramFile } from '../src/program';

export const TOKEN = 'token-for-tests';
export const ORIGIN = 'https://worker.test';

const { SANDBOX: _containers, ...rest } = bindings as unknown as Env;

/** What vitest.config.ts and wrangler.toml bind, but for containers, which take more than this machine may have. */
export const ENV: Env = rest;

export const HEADERS = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' };

interface Visit {
  response: Promise<Response>;
  /** The client goes; settles when all that it had set going has ended. */
  leave(): Promise<void>;
}

/** A request that is under way. */
export function visit(path: string, init: RequestInit = {}, env: Partial<Env> = {}): Visit {
  const context = createExecutionContext();
  const client = new AbortController();
  const request = new Request(ORIGIN + path, { ...init, signal: client.signal });
  return {
    response: Promise.resolve(
      worker.fetch(request as Request<unknown, IncomingRequestCfProperties>, { ...ENV, ...env }, context),
    ),
    leave: () => {
      client.abort();
      return waitOnExecutionContext(context);
    },
  };
}

/** One request, served with these bindings, to its very end. */
export async function send(path: string, init: RequestInit = {}, env: Partial<Env> = {}): Promise<Response> {
  const { response, leave } = visit(path, init, env);
  const answer = await response;
  const body = await answer.arrayBuffer();
  await leave();
  return new Response(answer.status === 204 ? null : body, answer);
}

/** A body that is no text is sent as JSON. */
export function post(
  path: string,
  body: unknown,
  { headers = {}, env = {} }: { headers?: Record<string, string>; env?: Partial<Env> } = {},
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return send(path, { method: 'POST', headers: { ...HEADERS, ...headers }, body: text }, env);
}

export function open(
  path: string,
  body: unknown,
  { accept = 'application/json', env = {} }: { accept?: string; env?: Partial<Env> } = {},
): Visit {
  return visit(path, { method: 'POST', headers: { ...HEADERS, Accept: accept }, body: JSON.stringify(body) }, env);
}

/** For what happens elsewhere, after the answer; the time is there so that a test that fails ends. */
export function eventually(check: () => Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 20_000 });
}

/** Reads a stream that goes on, up to this text. */
export async function readUntil(response: Response, text: string): Promise<string> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let seen = '';
  while (!seen.includes(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The stream ended before ${JSON.stringify(text)}: ${seen}`);
    seen += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return seen;
}

/** The answer of a request that was served. */
export async function answerOf(response: Response): Promise<Answer> {
  const answer = await response.json<Answer>();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return answer;
}

/** Checks that it is the error `code` with all that belongs to it, and gives its body. */
export async function errorOf(response: Response, code: ErrorCode): Promise<ErrorBody> {
  const body = await response.json<ErrorBody>();
  checkError(body, code);
  expect(response.status).toBe(ERRORS[code].status);
  expect(response.headers.get('Content-Type')).toBe('application/json');
  return body;
}

export function checkError(body: ErrorBody, code: ErrorCode): void {
  const { hint, retryable } = ERRORS[code];
  expect(body).toEqual({ success: false, error: expect.stringMatching(/^\S/), errorCode: code, hint, retryable });
}

/** An event of a stream, with its name and data. */
export type Told = { [Name in keyof Events]: { name: Name; data: Events[Name] } }[keyof Events];

export async function eventsOf(response: Response): Promise<Told[]> {
  const text = await response.text();
  expect(response.status, text).toBe(200);
  expect(response.headers.get('Content-Type')).toBe('text/event-stream');
  expect(text.endsWith('\n\n')).toBe(true);
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      return { name, data: JSON.parse(data!) } as Told;
    });
}

export function streamed(path: string, body: unknown, env: Partial<Env> = {}): Promise<Response> {
  return post(path, body, { headers: { Accept: 'text/event-stream' }, env });
}

/** The data of every event of that name. */
export function told<Name extends keyof Events>(events: Told[], name: Name): Events[Name][] {
  return events.filter((event) => event.name === name).map((event) => event.data as Events[Name]);
}

/** Files by their path, as text; what is base64 is marked as such. */
export function filesOf(files: readonly ProgramFile[]): Record<string, string> {
  return Object.fromEntries(
    files.map(({ path, content, encoding }) => [path, encoding === 'base64' ? `base64:${content}` : content]),
  );
}

/** The body of `POST /run` for a program of these files, the first of which starts. */
export function programOf(language: string, files: Record<string, string>, more: object = {}): Record<string, unknown> {
  const list = Object.entries(files).map(([path, content]) => ({ path, content }));
  return { language, entrypoint: list[0]!.path, files: list, ...more };
}
