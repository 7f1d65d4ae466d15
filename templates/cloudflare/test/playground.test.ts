/** `GET /`: who gets the page and who the description, and what the page may do. */
import { describe, expect, it } from 'vitest';

import { ENV, errorOf, ORIGIN, send } from './worker';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

const get = (accept?: string) => send('/', accept === undefined ? {} : { headers: { Accept: accept } });

/** The directives of the page's policy, by name. */
function policyOf(response: Response): Record<string, string[]> {
  const policy = response.headers.get('Content-Security-Policy')!;
  return Object.fromEntries(
    policy.split('; ').map((directive) => {
      const [name, ...values] = directive.split(' ');
      return [name, values];
    }),
  );
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `'sha256-${new Uint8Array(digest).toBase64()}'`;
}

/** The contents of all elements of that name. */
function inside(page: string, tag: string): string[] {
  return [...page.matchAll(new RegExp(`<${tag}\\b[^>]*>([^]*?)</${tag}>`, 'g'))].map(([, content]) => content!);
}

describe('who gets what', () => {
  it.each([
    undefined,
    '*/*',
    'application/json',
    'application/*',
    '',
    'application/json, text/html;q=0.5',
    'text/html;q=0',
    'image/png',
  ])('describes the API to "%s"', async (accept) => {
    const response = await get(accept);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(await response.json()).toHaveProperty('routes');
  });

  it.each([BROWSER, 'text/html', 'TEXT/HTML', 'text/html;q=0.9, application/json;q=0.1'])(
    'gives the page to "%s"',
    async (accept) => {
      const response = await get(accept);
      expect(response.status).toBe(200);
      expect(response.headers.get('Content-Type')).toBe('text/html; charset=UTF-8');
      expect(await response.text()).toMatch(/^<!doctype html>/);
    },
  );

  it.each([BROWSER, '*/*'])('is never mixed up by a cache, or sniffed (%s)', async (accept) => {
    const { headers } = await get(accept);
    expect(headers.get('Vary')?.split(/, */)).toContain('Accept');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
  });

  it('serves it without a token, also before one is set, and to no page of another origin', async () => {
    const headers = { Accept: BROWSER };
    expect((await send('/', { headers }, { CCT_TOKEN: undefined as never })).status).toBe(200);
    expect((await send('/', { headers: { ...headers, Origin: ORIGIN } })).status).toBe(200);
    await errorOf(await send('/', { headers: { ...headers, Origin: 'https://evil.example' } }), 'origin_forbidden');
  });
});

describe('what the page may do', () => {
  it('runs its own script and style, and nothing else', async () => {
    const response = await get(BROWSER);
    const policy = policyOf(response);
    const page = await response.text();
    expect(policy['default-src']).toEqual(["'none'"]);
    expect(policy['script-src']).toEqual(await Promise.all(inside(page, 'script').map(hashOf)));
    expect(policy['style-src']).toEqual(await Promise.all(inside(page, 'style').map(hashOf)));
    expect(inside(page, 'script')).toHaveLength(1);
    expect(inside(page, 'style')).toHaveLength(1);
  });

  it('talks to this Worker only, and stands in no frame', async () => {
    const response = await get(BROWSER);
    const policy = policyOf(response);
    expect(policy['connect-src']).toEqual(["'self'"]);
    for (const name of ['base-uri', 'form-action', 'frame-ancestors']) expect(policy[name]).toEqual(["'none'"]);
    expect(policy['require-trusted-types-for']).toEqual(["'script'"]);
    expect(response.headers.get('X-Frame-Options')).toBe('DENY');
    expect(response.headers.get('Referrer-Policy')).toBe('no-referrer');
  });

  it('needs nothing from elsewhere: no address, no handler, no style in its markup', async () => {
    const page = await (await get(BROWSER)).text();
    const markup = page.replace(/<(script|style)>[^]*?<\/\1>/g, '');
    expect(markup).not.toMatch(/https?:|\/\/|\son\w+\s*=|\sstyle\s*=|javascript:/i);
    expect([...markup.matchAll(/\s(?:src|href|action)="([^"]*)"/g)].map(([, value]) => value)).toEqual(['data:,']);
  });

  it('puts in text as text', async () => {
    const [script] = inside(await (await get(BROWSER)).text(), 'script');
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/);
  });

  it('holds no secret', async () => {
    const page = await (await get(BROWSER)).text();
    for (const secret of [ENV.CCT_TOKEN!, ENV.ANTHROPIC_API_KEY!]) expect(page).not.toContain(secret);
  });
});
