import type { Env } from '../env';
import { ApiError } from '../errors';
import type { Sandbox, SandboxName } from '.';
import { IsolateSandbox } from './isolate';
import { ProcessSandbox } from './process';

/**
 * The sandboxes that this Worker can offer, the default first. Beside a RUNNER there is no isolate: a local `workerd`
 * enforces no limits on isolates, and this one holds the key.
 */
export function availableSandboxes(env: Env): SandboxName[] {
  if (env.RUNNER) return ['process'];
  return env.LOADER ? ['isolate'] : [];
}

export function selectSandbox(env: Env, wanted: SandboxName | undefined): Sandbox {
  const available = availableSandboxes(env);
  const name = wanted ?? available[0];
  if (name === undefined || !available.includes(name)) {
    throw name === undefined
      ? new ApiError('sandbox_unavailable', 'This Worker has no sandbox: the worker_loaders binding is missing.')
      : new ApiError('sandbox_unsupported', `This Worker has no "${name}" sandbox.`);
  }
  return name === 'process' ? new ProcessSandbox(env.RUNNER!) : new IsolateSandbox(env.LOADER!, env);
}
