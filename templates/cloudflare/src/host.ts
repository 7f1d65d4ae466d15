/**
 * The Worker inside the throwaway `workerd` that runs one JavaScript or TypeScript program on a developer's machine:
 * the same isolate as on Cloudflare, in a process that the supervisor outside can measure and kill.
 */
import type { Program } from './program';
import { runJavascript } from './sandbox/javascript';

interface HostEnv {
  LOADER: WorkerLoader;
}

/** Long enough to tell a program that is on its way from one that Claude is still writing. */
const IDLE_MS = 20;

const NOTHING: Program = { language: 'javascript', entrypoint: 'main.js', files: [{ path: 'main.js', content: '' }] };

let wanted = false;

/** While nobody waits: a first conversion and a first isolate take a fifth longer than those after them. */
async function warmUp({ LOADER }: HostEnv): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  if (!wanted) await (await runJavascript(LOADER, NOTHING, { outputBytes: 0 })).arrayBuffer();
}

export default {
  async fetch(request, env, context): Promise<Response> {
    if (new URL(request.url).pathname === '/boot') {
      context.waitUntil(warmUp(env));
      return new Response('ready');
    }
    wanted = true;
    const { program, outputBytes } = await request.json<{ program: Program; outputBytes: number }>();
    return runJavascript(env.LOADER, program, { outputBytes });
  },
} satisfies ExportedHandler<HostEnv>;
