// Runs one Worker in workerd for the length of one request.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** The platform package holds the real binary; `workerd` itself may hold a Node shim. */
export async function findWorkerd(projectDir) {
  const require = createRequire(path.join(projectDir, 'package.json'));
  const arch = process.arch === 'x64' ? '64' : process.arch;
  const windows = process.platform === 'win32';
  const name = `@cloudflare/workerd-${windows ? 'windows' : process.platform}-${arch}`;
  const folder = path.dirname(require.resolve(`${name}/package.json`));
  const binary = path.join(folder, 'bin', windows ? 'workerd.exe' : 'workerd');
  await access(binary);
  return binary;
}

/**
 * @param {{workerd: string, dir: string, worker: string, body: string}} options `worker` is a Worker in workerd's
 *   configuration language; it has no network, under the service name "nowhere". Files that it embeds are in `dir`.
 * @returns {Promise<Buffer>} what it answers to a POST of `body`
 * @throws {Error} with its text when that is not a 200
 */
export async function answerFromWorkerd({ workerd, dir, worker, body }) {
  const config = path.join(dir, 'config.capnp');
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "nowhere", network = (allow = [])), (name = "internet", network = (allow = []))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = ${worker};
`,
  );
  const child = spawn(workerd, ['serve', config, '--experimental', '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: {},
  });
  const exited = once(child, 'exit');
  const complaints = text(child.stderr);
  try {
    const port = await Promise.race([
      listeningPort(child.stdio[3]),
      exited.then(async ([code]) => {
        throw new Error(`workerd ended with ${code}: ${await complaints}`);
      }),
    ]);
    return await post(port, body);
  } finally {
    child.kill('SIGKILL');
    await exited;
    await rm(config, { force: true });
  }
}

async function listeningPort(control) {
  let said = '';
  for await (const chunk of control) {
    said += chunk;
    for (const line of said.split('\n').slice(0, -1)) {
      const event = JSON.parse(line);
      if (event.event === 'listen') return event.port;
    }
  }
  return new Promise(() => {}); // its exit says more
}

function post(port, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST' }, async (response) => {
      try {
        const chunks = await response.toArray();
        const answer = Buffer.concat(chunks);
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(answer.toString()));
      } catch (error) {
        reject(error);
      }
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
