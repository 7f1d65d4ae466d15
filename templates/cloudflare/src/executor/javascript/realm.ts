/**
 * The language as it was before the program was loaded. The program shares this realm and may patch anything,
 * so what decides about its end goes through these, and through nothing that a prototype could answer for:
 * no iteration, no spread, no `await`, no assignment to a new property or array index.
 */

export const { apply, defineProperty, ownKeys } = Reflect;
export const NativePromise = Promise;

const { then } = Promise.prototype;
const { get: mapGet, set: mapSet } = WeakMap.prototype;

/** An object that inherits nothing. */
export function bare<T extends object>(properties: T): T {
  return { __proto__: null, ...properties };
}

/** Defines a plain property: what `object[key] = value` does where nothing is patched. */
export function define(object: object, key: PropertyKey, value: unknown, enumerable = true): void {
  defineProperty(object, key, bare({ value, writable: true, enumerable, configurable: true }));
}

export function defineGetter(object: object, key: PropertyKey, get: () => unknown, enumerable = true): void {
  defineProperty(object, key, bare({ get, enumerable, configurable: true }));
}

/** Observes a promise that the engine made for us and that the program has never held. */
export function whenSettled(
  promise: Promise<unknown>,
  fulfilled: (value: unknown) => void,
  rejected: (reason: unknown) => void,
): void {
  // `then` asks the promise for its constructor; an own one is in front of the patched one.
  defineProperty(promise, 'constructor', bare({ value: undefined }));
  apply(then, promise, [fulfilled, rejected]);
}

/** A WeakMap whose methods cannot be patched. */
export class Notes<T> {
  readonly #map = new WeakMap<object, T>();

  get(key: unknown): T | undefined {
    return isObject(key) ? apply(mapGet, this.#map, [key]) : undefined;
  }

  set(key: object, value: T): void {
    apply(mapSet, this.#map, [key, value]);
  }
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
