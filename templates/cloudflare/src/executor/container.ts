/**
 * Runs one program inside a container. `sandbox/container.ts` starts it there: `node runner.mjs ORDER`, where ORDER is a
 * JSON file (see order.ts), as root; the program runs as a user who can neither signal this process nor write to its
 * stdout.
 *
 * What it says are frames (see frames.ts), ending with a verdict, as lines of base64: on its way out everything passes
 * through text, by way of an SDK, and a program's output need not be text.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  type Dirent,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { FILE, OMITTED, STDERR, STDOUT, VERDICT } from './frame-types';
import type { Order } from './order';

/** What runs the entrypoint. Python neither buffers, so that output comes while it is made, nor leaves bytecode behind. */
const COMMANDS: Record<string, readonly string[]> = {
  python: ['python3', '-u', '-B', '-X', 'utf8'],
  javascript: [process.execPath, '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'],
  // All of TypeScript, of which Node strips only a part; it must not look for packages that it cannot fetch.
  typescript: ['bun', '--no-install'],
};

/** Bytes of a frame that go into one line. */
const LINE_BYTES = 48 * 1024;
/** Entries of folders that are looked at when the program has ended. */
const MOST_ENTRIES = 50_000;
/** No file of a program is larger: the body that brings it is bounded. */
const GIVEN_BYTES = 16 * 1024 * 1024;
const MEMORY_INTERVAL_MS = 100;
/** How long pipes may stay open when all that could be killed is gone. */
const DRAIN_MS = 1000;

function send(type: number, ...payload: Uint8Array[]): void {
  const size = payload.reduce((sum, part) => sum + part.byteLength, 0);
  const header = Buffer.alloc(5);
  header.writeUInt8(type);
  header.writeUInt32BE(size, 1);
  const frame = Buffer.concat([header, ...payload]);
  for (let at = 0; at < frame.byteLength; at += LINE_BYTES) {
    process.stdout.write(`${frame.toString('base64', at, Math.min(at + LINE_BYTES, frame.byteLength))}\n`);
  }
}

/** Bytes that the program was given, by path: what it left as it was does not come back. */
function layOut({ program, folder, user }: Order): Map<string, Buffer> {
  const own = (place: string): void => {
    if (user !== null) chownSync(place, user, user);
  };
  const makeFolder = (place: string): void => {
    const first = mkdirSync(place, { recursive: true });
    if (first === undefined) return;
    for (let made = place; made.length >= first.length; made = path.dirname(made)) own(made);
  };
  makeFolder(folder);
  own(folder);
  const given = new Map<string, Buffer>();
  for (const { path: name, content, encoding } of program.files) {
    const bytes = Buffer.from(content, encoding ?? 'utf8');
    const place = path.join(folder, name);
    makeFolder(path.dirname(place));
    writeFileSync(place, bytes);
    own(place);
    given.set(name, bytes);
  }
  return given;
}

/** Passes output on up to its limit, and takes what is beyond it so that the program does not wait for ever. */
class Output {
  truncated = false;
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
  }

  pass(type: number, bytes: Buffer): void {
    if (bytes.byteLength > this.left) this.truncated = true;
    const kept = bytes.subarray(0, this.left);
    this.left -= kept.byteLength;
    if (kept.byteLength > 0) send(type, kept);
  }
}

/** Kills the program, what it has started, and whatever else runs under its user: nothing may change files any more. */
function killAll(child: ChildProcess, user: number | null): void {
  const kill = (pid: number): void => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  };
  if (child.pid !== undefined) kill(-child.pid);
  if (user === null) return;
  // What is killed may have started another one meanwhile.
  for (let round = 0; round < 10; round++) {
    const rest = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && ownerOf(`/proc/${name}`) === user);
    if (rest.length === 0) return;
    rest.forEach((name) => kill(Number(name)));
  }
}

function ownerOf(place: string): number | undefined {
  try {
    return statSync(place).uid;
  } catch {
    return undefined;
  }
}

function numberIn(file: string, pattern: RegExp): number | null {
  try {
    const found = pattern.exec(readFileSync(file, 'latin1'));
    return found ? Number(found[1]) : null;
  } catch {
    return null;
  }
}

/** How often the kernel has killed for want of memory. */
const oomKills = (): number | null => numberIn('/proc/vmstat', /^oom_kill (\d+)$/m);

interface Ended {
  kind: 'exited' | 'timeout' | 'memory' | 'crashed';
  code?: number;
  detail?: string;
}

async function run(order: Order, output: Output): Promise<{ ended: Ended; peakMemoryBytes: number | null }> {
  const { program, folder, user, timeoutMs } = order;
  const [command, ...args] = COMMANDS[program.language] ?? [];
  if (command === undefined) return { ended: { kind: 'crashed', detail: 'no such language' }, peakMemoryBytes: null };
  const killedBefore = oomKills();
  const child = spawn(command, [...args, program.entrypoint], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: os.tmpdir(), LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(user === null ? {} : { uid: user, gid: user }),
  });
  child.stdout!.on('data', (bytes: Buffer) => output.pass(STDOUT, bytes));
  child.stderr!.on('data', (bytes: Buffer) => output.pass(STDERR, bytes));
  const closed = once(child, 'close');
  closed.catch(() => undefined); // what could not be started is told by `exit` below

  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    killAll(child, user);
  }, timeoutMs);
  let peakKib: number | null = null;
  const measuring = setInterval(() => {
    peakKib = numberIn(`/proc/${child.pid}/status`, /^VmHWM:\s+(\d+) kB$/m) ?? peakKib;
  }, MEMORY_INTERVAL_MS);
  let ended: Ended;
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (timedOut) ended = { kind: 'timeout' };
    else if (signal === 'SIGKILL' && killedBefore !== null && oomKills() !== killedBefore) ended = { kind: 'memory' };
    else ended = { kind: 'exited', code: signal === null ? code! : 128 + os.constants.signals[signal] };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ended: { kind: 'crashed', detail }, peakMemoryBytes: null };
  } finally {
    clearTimeout(deadline);
    clearInterval(measuring);
  }
  killAll(child, user);
  const giveUp = setTimeout(() => {
    child.stdout!.destroy();
    child.stderr!.destroy();
  }, DRAIN_MS);
  await closed;
  clearTimeout(giveUp);
  return { ended, peakMemoryBytes: peakKib === null ? null : peakKib * 1024 };
}

/** Sends the files that are new or changed. A link is no file: what it leads to may be anything in this container. */
function sendFiles({ folder, savedFiles, savedBytes }: Order, given: ReadonlyMap<string, Buffer>): void {
  let [files, bytes, entries, omitted] = [savedFiles, savedBytes, MOST_ENTRIES, false];
  const folders = [''];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of entriesOf(path.join(folder, at))) {
      const name = at === '' ? entry.name : `${at}/${entry.name}`;
      if (--entries < 0) break;
      if (entry.isDirectory()) folders.push(name);
      if (!entry.isFile()) continue;
      const content = readRegular(path.join(folder, name), bytes);
      if (content !== null && given.get(name)?.equals(content)) continue;
      if (content === null || files === 0 || content.byteLength > bytes) {
        omitted = true;
        continue;
      }
      files -= 1;
      bytes -= content.byteLength;
      const label = Buffer.from(name);
      const size = Buffer.alloc(2);
      size.writeUInt16BE(Math.min(label.byteLength, 0xffff));
      send(FILE, size, label.subarray(0, 0xffff), content);
    }
  }
  if (omitted || entries < 0) send(OMITTED);
}

/** Sorted by name; nothing where the program has left nothing. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** The content of a file of at most `most` bytes, or of a program's own size; null for all else. */
function readRegular(place: string, most: number): Buffer | null {
  let file: number;
  try {
    file = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile() || size > Math.max(most, GIVEN_BYTES)) return null;
    const content = Buffer.alloc(size);
    let filled = 0;
    for (let read = 1; read > 0 && filled < size; filled += read)
      read = readSync(file, content, filled, size - filled, null);
    return content.subarray(0, filled);
  } finally {
    closeSync(file);
  }
}

const [, ownPath, orderPath] = process.argv;
const order = JSON.parse(readFileSync(orderPath!, 'utf8')) as Order;
for (const file of [orderPath!, ownPath!]) rmSync(file, { force: true });
const given = layOut(order);
const output = new Output(order.outputBytes);
const { ended, peakMemoryBytes } = await run(order, output);
sendFiles(order, given);
send(VERDICT, Buffer.from(JSON.stringify({ ...ended, truncated: output.truncated, peakMemoryBytes })));
