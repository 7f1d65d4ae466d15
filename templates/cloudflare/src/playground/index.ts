/** `GET /`: the API's description for programs, and for browsers a page to try it with. */
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';

import { PAGE, POLICY } from '../../build/playground';
import { describe } from '../describe';

const HEADERS = {
  // One address, two answers: no cache may give one for the other.
  Vary: 'Accept',
  'X-Content-Type-Options': 'nosniff',
};

const PAGE_HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  // For browsers that do not know frame-ancestors.
  'X-Frame-Options': 'DENY',
};

/** Only who names HTML, as browsers do, gets the page; "anything" means the description. */
export function home(context: Context, version: string): Response {
  const supports = ['application/json', 'text/html'];
  const wanted = accepts(context, { header: 'Accept', supports, default: 'application/json' });
  for (const [name, value] of Object.entries(HEADERS)) context.header(name, value, { append: name === 'Vary' });
  return wanted === 'text/html' ? context.html(PAGE, 200, PAGE_HEADERS) : context.json(describe(version));
}
