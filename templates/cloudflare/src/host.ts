/**
 * The Worker inside the throwaway `workerd` that runs one JavaScript or TypeScript program on a developer's machine:
 * the same isolate as on Cloudflare, in a process that the supervisor outside can measure and kill.
 */
import type { Program } from './program';
import { runJavascript } from './sandbox/javascript';

interface HostEnv {
  LOADER: WorkerLoader;
}

export default {
  async fetch(request, env): Promise<Response> {
    if (new URL(request.url).pathname === '/boot') return new Response('ready');
    const { program, outputBytes } = await request.json<{ program: Program; outputBytes: number }>();
    return runJavascript(env.LOADER, program, { outputBytes });
  },
} satisfies ExportedHandler<HostEnv>;
