/**
 * The network modules of Node, which can be imported but do not connect. That nothing gets out is enforced outside
 * (`globalOutbound`); this is the one clear sentence instead of many unclear ones.
 */

function networkError(): Error {
  return Object.assign(new Error('network access is disabled in this sandbox'), { code: 'ERR_NETWORK_DISABLED' });
}

type Library = Record<string, unknown>;

function deny(): never {
  throw networkError();
}

/** For calls that answer with a promise: the error is the promise's, never thrown at the call. */
export function denyLater(): Promise<never> {
  return Promise.reject(networkError());
}

/** A class that cannot be made; `instanceof` and `extends` work. */
export function deniedClass(name: string): unknown {
  const denied = class {
    constructor() {
      deny();
    }
  };
  Object.defineProperty(denied, 'name', { value: name });
  return denied;
}

const CALLS: Record<string, readonly string[]> = {
  http: ['request', 'get', 'createServer'],
  https: ['request', 'get', 'createServer'],
  http2: ['connect', 'createServer', 'createSecureServer'],
  net: ['connect', 'createConnection', 'createServer'],
  tls: ['connect', 'createServer', 'createConnection'],
  dgram: ['createSocket'],
};

const CLASSES: Record<string, readonly string[]> = {
  http: ['ClientRequest', 'Server'],
  https: ['Server'],
  net: ['Server'],
  tls: ['Server', 'TLSSocket'],
  dgram: ['Socket'],
};

/** Parts of `node:dns` that ask nobody. */
const DNS_LOCAL = /^(get|set)(Servers|DefaultResultOrder)$|^[A-Z_]+$/;

/** @returns the module in the program's form, or null when it has nothing to do with the network. */
export function withoutNetwork(name: string, library: Library): Library | null {
  if (name === 'dns') {
    const promises = withoutDns(library['promises'] as Library, denyLater);
    return { ...withoutDns(library, deny), promises };
  }
  if (name === 'dns/promises') return withoutDns(library, denyLater);
  const calls = CALLS[name];
  if (!calls) return null;
  const safe: Library = { ...library };
  for (const call of calls) safe[call] = deny;
  for (const denied of CLASSES[name] ?? []) safe[denied] = deniedClass(denied);
  if (name === 'net') {
    const Socket = library['Socket'] as new (...args: unknown[]) => object;
    const Denied = class Socket_ extends Socket {
      connect(): never {
        return deny();
      }
    };
    Object.defineProperty(Denied, 'name', { value: 'Socket' });
    safe['Socket'] = safe['Stream'] = Denied;
  }
  return safe;
}

function withoutDns(library: Library, refuse: () => unknown): Library {
  const safe: Library = {};
  for (const [key, value] of Object.entries(library)) {
    if (DNS_LOCAL.test(key) || typeof value !== 'function') safe[key] = value;
    else safe[key] = key === 'Resolver' ? deniedClass(key) : refuse;
  }
  return safe;
}
