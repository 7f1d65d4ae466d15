/**
 * Answers in place of Claude's API while the tests run: it knows no rules and sends what a test has told it to.
 *
 *   PUT /_scripts/NAME   a JSON list of answers, for the requests below /NAME/ in the order in which they come
 *   GET /_scripts/NAME   what was asked so far
 *
 * The tests give /NAME as `ANTHROPIC_BASE_URL`. It runs in Node, beside the Workers runtime in which the tests run.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';

export interface ScriptedAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Written one after the other. */
  chunks?: string[];
  /** Milliseconds between two chunks. */
  pace?: number;
  /** What follows the last chunk: a proper end (default), a broken connection, or nothing until the client leaves. */
  end?: 'close' | 'cut' | 'hang';
}

export interface AskedRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
  /** The client left before the answer had ended. */
  aborted: boolean;
}

declare module 'vitest' {
  interface ProvidedContext {
    modelUrl: string;
  }
}

interface Script {
  answers: ScriptedAnswer[];
  asked: AskedRequest[];
}

async function control(script: Script, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'PUT') {
    script.answers = JSON.parse(await text(request)) as ScriptedAnswer[];
    script.asked = [];
  }
  response.end(JSON.stringify(script.asked));
}

async function answer(script: Script, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked: AskedRequest = {
    path: request.url ?? '',
    headers: request.headers as Record<string, string>,
    body: await text(request),
    aborted: false,
  };
  script.asked.push(asked);
  response.on('close', () => {
    asked.aborted = !response.writableEnded;
  });
  const next = script.answers[script.asked.length - 1];
  if (!next) {
    response.writeHead(500).end('The script has no answer left.');
    return;
  }
  response.writeHead(next.status ?? 200, { 'content-type': 'text/event-stream', ...next.headers });
  response.flushHeaders();
  for (const chunk of next.chunks ?? []) {
    if (response.destroyed) return;
    response.write(chunk);
    await sleep(next.pace ?? 0);
  }
  if (next.end === 'cut') response.destroy();
  else if (next.end !== 'hang') response.end();
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const scripts = new Map<string, Script>();
  const server = createServer((request, response) => {
    const [, first = '', second = ''] = (request.url ?? '').split('/');
    const name = first === '_scripts' ? second : first;
    const script = scripts.get(name) ?? { answers: [], asked: [] };
    scripts.set(name, script);
    const done = first === '_scripts' ? control(script, request, response) : answer(script, request, response);
    done.catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  provide('modelUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
}
