// SPDX-License-Identifier: Apache-2.0
//
// A real msb-server with a home of its own, for as long as a test program runs.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const SERVER = process.env.MSB_SERVER;
// How long anything may take before a test gives up on it: generous, for busy machines.
export const DEADLINE_MS = 120_000;
export const PYTHON = { image: 'microsandbox/python', memory: 512, cpus: 1 };
export const NODE = { image: 'microsandbox/node', memory: 512, cpus: 1 };

const SKIPPED = 77;

// The images of the host's store, without the rest of it: hard links, so nothing is copied.
function linkImages(home) {
  const source = process.env.MSB_HOME || join(homedir(), '.microsandbox');
  if (!existsSync(join(source, 'index.json'))) {
    console.log(`skipped: no images in ${source}; "make test" prepares them`);
    process.exit(SKIPPED);
  }
  const names = ['index.json', 'oci-layout', 'blobs', 'layers'].map((name) => join(source, name));
  execFileSync('cp', ['-al', ...names.filter(existsSync), home]);
}

// A folder that goes with the process.
export function makeHome() {
  const scratch = mkdtempSync(join(tmpdir(), 'msb-client-test-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  const home = join(scratch, 'home');
  mkdirSync(home, { mode: 0o700 });
  linkImages(home);
  return home;
}

export class Server {
  constructor(process, url, home) {
    Object.assign(this, { process, url, home, mcpUrl: new URL('/mcp', url) });
  }

  // Listens when it is there. `flags` beside those that every test needs.
  static async start(...flags) {
    const home = makeHome();
    const child = spawn(SERVER, ['start', '--port', '0', ...flags], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, MSB_HOME: home },
    });
    for await (const line of createInterface(child.stdout)) {
      const url = /^Server listening on (\S+)$/.exec(line)?.[1];
      if (url) {
        return new Server(child, url, home);
      }
    }
    throw new Error('the server did not start');
  }

  async stop() {
    if (this.process.exitCode === null) {
      this.process.kill('SIGTERM');
      await once(this.process, 'exit');
    }
  }

  // A key for a namespace; "*": for all.
  issueKey(namespace) {
    const output = execFileSync(SERVER, ['keygen', '--namespace', namespace], {
      env: { ...process.env, MSB_HOME: this.home },
      encoding: 'utf8',
    });
    return /^Token: (\S+)$/m.exec(output)[1];
  }

  // The answer of a POST of JSON, its body decoded unless it is empty.
  async post(path, body, headers = {}) {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  }
}

// Waits until `condition` gives something true, and returns that.
export async function until(what, condition) {
  const end = Date.now() + DEADLINE_MS;
  while (Date.now() < end) {
    const value = await condition();
    if (value) {
      return value;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
}
