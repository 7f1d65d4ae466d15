/** Loads the Python executor, with the runtime that `npm run build` put among the assets, into a fresh isolate. */
import type { Env } from '../env';

interface Manifest {
  main: string;
  compatibilityDate: string;
  compatibilityFlags: string[];
  modules: { name: string; type: 'esModule' | 'wasm' | 'data' | 'text'; file: string }[];
}

type Code = Pick<WorkerLoaderWorkerCode, 'compatibilityDate' | 'compatibilityFlags' | 'mainModule' | 'modules'>;

/** Kept for the requests that this isolate serves later: the files are 30 MB and never change. */
let code: Code | undefined;

export async function loadPython(loader: WorkerLoader, env: Env, cpuMs: number): Promise<Fetcher> {
  // Not the promise: one request must not wait for what another one, which may be gone, has asked for.
  code ??= await fetchCode(env);
  return loader.load({ ...code, env: {}, globalOutbound: null, limits: { cpuMs } }).getEntrypoint();
}

async function fetchCode(env: Env): Promise<Code> {
  const asset = async (file: string): Promise<Response> => {
    const response = await env.ASSETS?.fetch(`http://assets/python/${file}`);
    if (!response?.ok) throw new Error(`the asset python/${file} is missing; run: npm run build`);
    return response;
  };
  const manifest = await (await asset('manifest.json')).json<Manifest>();
  const modules = await Promise.all(
    manifest.modules.map(async ({ name, type, file }): Promise<[string, WorkerLoaderModule]> => {
      const response = await asset(file);
      if (type === 'esModule') return [name, { js: await response.text() }];
      if (type === 'text') return [name, { text: await response.text() }];
      return [name, { [type]: await response.arrayBuffer() }];
    }),
  );
  return {
    mainModule: manifest.main,
    compatibilityDate: manifest.compatibilityDate,
    compatibilityFlags: manifest.compatibilityFlags,
    modules: Object.fromEntries(modules),
  };
}
