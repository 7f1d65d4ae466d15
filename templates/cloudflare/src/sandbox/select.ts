import type { Env } from '../env';
import { ApiError } from '../errors';
import type { Sandbox, SandboxName } from '.';
import { IsolateSandbox } from './isolate';
import { ProcessSandbox } from './process';

type Maker = (env: Env) => Sandbox | undefined;

let makeContainer: Maker | undefined;

/**
 * Adds the container sandbox to this Worker, where `make` finds its binding. The entry point does it (src/container.ts):
 * a Worker without the container tier then has nothing of the Sandbox SDK in it.
 */
export function offerContainer(make: Maker): void {
  makeContainer = make;
}

/**
 * The sandboxes that this Worker can offer, the default first. Beside a RUNNER there is no isolate: a local `workerd`
 * enforces no limits on isolates, and this one holds the key.
 */
export function availableSandboxes(env: Env): SandboxName[] {
  return offered(env).map(({ name }) => name);
}

export function selectSandbox(env: Env, wanted: SandboxName | undefined): Sandbox {
  const sandboxes = offered(env);
  const chosen = wanted === undefined ? sandboxes[0] : sandboxes.find(({ name }) => name === wanted);
  if (chosen) return chosen;
  throw sandboxes.length === 0
    ? new ApiError('sandbox_unavailable', 'This Worker has no sandbox: the worker_loaders binding is missing.')
    : new ApiError('sandbox_unsupported', `This Worker has no "${wanted}" sandbox.`);
}

function offered(env: Env): Sandbox[] {
  if (env.RUNNER) return [new ProcessSandbox(env.RUNNER)];
  const isolate = env.LOADER && new IsolateSandbox(env.LOADER, env);
  return [isolate, makeContainer?.(env)].filter((sandbox) => sandbox !== undefined);
}
