/** Runs a program in a fresh isolate, without the Worker's routes, and reads every frame that it answers with. */
import { env } from 'cloudflare:workers';

import { EXIT, FILE, OMITTED, STDERR, STDOUT } from '../src/executor/frames';
import { fileFromBytes, type Language, type Program } from '../src/program';
import { runJavascript } from '../src/sandbox/javascript';

export interface Outcome {
  stdout: string;
  stderr: string;
  exit: number | null;
  written: Record<string, string>;
  /** Whether files were said to be left out. */
  omitted: boolean;
  /** Frames after the exit status, or of no known type: there must be none. */
  stray: number;
}

/** @param files the first one starts. */
export function programOf(files: Record<string, string>): Program {
  const [entrypoint = ''] = Object.keys(files);
  const language: Language = /\.[cm]?tsx?$/.test(entrypoint) ? 'typescript' : 'javascript';
  return { language, entrypoint, files: Object.entries(files).map(([path, content]) => ({ path, content })) };
}

export async function runProgram(program: Program, outputBytes = 1_000_000): Promise<Outcome> {
  const { LOADER } = env as { LOADER: WorkerLoader };
  const response = await runJavascript(LOADER, program, { outputBytes });
  return readOutcome(new Uint8Array(await response.arrayBuffer()));
}

function readOutcome(bytes: Uint8Array): Outcome {
  const outcome: Outcome = { stdout: '', stderr: '', exit: null, written: {}, omitted: false, stray: 0 };
  const view = new DataView(bytes.buffer);
  const decoders = { [STDOUT]: new TextDecoder(), [STDERR]: new TextDecoder() };
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at];
    const payload = bytes.subarray(at + 5, at + 5 + view.getUint32(at + 1));
    if (outcome.exit !== null) outcome.stray++;
    else if (type === STDOUT) outcome.stdout += decoders[type].decode(payload, { stream: true });
    else if (type === STDERR) outcome.stderr += decoders[type].decode(payload, { stream: true });
    else if (type === FILE) {
      const nameEnd = 2 + view.getUint16(at + 5);
      const { path, content } = fileFromBytes(
        new TextDecoder().decode(payload.subarray(2, nameEnd)),
        payload.subarray(nameEnd),
      );
      outcome.written[path] = content;
    } else if (type === EXIT) outcome.exit = view.getInt32(at + 5);
    else if (type === OMITTED) outcome.omitted = true;
    else outcome.stray++;
    at += 5 + payload.length;
  }
  return outcome;
}
