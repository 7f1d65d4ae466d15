/** The global object as Node has it: what belongs to the platform that carries the sandbox goes. */
import { deniedClass, denyLater } from './network';
import { define } from './realm';
import type { Timers } from './timers';

const REMOVED = [
  // The Worker around the program
  ...['addEventListener', 'removeEventListener', 'dispatchEvent', 'self', 'origin', 'scheduler'],
  ...['caches', 'Cache', 'CacheStorage', 'WorkerGlobalScope', 'ServiceWorkerGlobalScope'],
  ...['ExtendableEvent', 'FetchEvent', 'TailEvent', 'TraceEvent', 'ScheduledEvent', 'PromiseRejectionEvent'],
  // Its inventions
  ...['HTMLRewriter', 'FixedLengthStream', 'IdentityTransformStream', 'Body'],
  ...['WebSocketPair', 'WebSocketRequestResponsePair'],
];

export interface GlobalsOptions {
  timers: Timers;
  console: object;
}

export function installGlobals({ timers, console }: GlobalsOptions): void {
  for (const name of REMOVED) {
    // Methods of EventTarget stay with the other targets: here they are only hidden.
    if (name in EventTarget.prototype) define(globalThis, name, undefined, false);
    else for (const holder of holders()) delete (holder as Record<string, unknown>)[name];
  }
  // Node's modules, as the platform has them, ask these two.
  const { compatibilityFlags } = Cloudflare;
  define(
    globalThis,
    'Cloudflare',
    Object.freeze({ compatibilityFlags: Object.freeze({ ...compatibilityFlags }) }),
    false,
  );
  define(globalThis, 'reportError', reportError, false);
  const { promises: _, ...timerFunctions } = timers.timers;
  for (const [name, value] of Object.entries(timerFunctions)) define(globalThis, name, value);
  define(globalThis, 'console', console, false);
  define(globalThis, 'fetch', denyLater);
  for (const name of ['WebSocket', 'EventSource']) define(globalThis, name, deniedClass(name), false);
  define(
    globalThis,
    'navigator',
    {
      hardwareConcurrency: 1,
      language: 'en-US',
      languages: Object.freeze(['en-US']),
      platform: 'linux',
      userAgent: `Node.js/${process.version.replace(/^v(\d+).*/, '$1')}`,
    },
    false,
  );
}

/** The global object and what it inherits from, as far as it is the platform's. */
function holders(): object[] {
  const found: object[] = [];
  for (let holder: object = globalThis; holder !== Object.prototype && holder; holder = Object.getPrototypeOf(holder)) {
    found.push(holder);
  }
  return found;
}
