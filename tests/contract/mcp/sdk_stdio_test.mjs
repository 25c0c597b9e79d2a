// SPDX-License-Identifier: Apache-2.0
//
// The official TypeScript SDK's client with a server of its own behind stdin and stdout, as desktop hosts run it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { PYTHON, SERVER, makeHome } from '../clients/server.mjs';
import { Agent, cancelARun, hearOfProgress, linesOf, meetFailures, readTooMuch, textOf, usePrompts, useEveryTool }
  from './agent.mjs';
import { Sdk, isRefusal, speaking } from './sdk.mjs';

const env = { ...process.env, MSB_HOME: makeHome() };

async function connect(t, revision, ...flags) {
  const transport = new StdioClientTransport({ command: SERVER, args: ['mcp', ...flags], env, stderr: 'ignore' });
  const sdk = new Sdk(new Client({ name: 'test', version: '1' }));
  await sdk.client.connect(speaking(transport, revision));
  t.after(() => sdk.client.close());
  return sdk;
}

for (const revision of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
  test(`${revision}: tools, prompts, ping`, async (t) => {
    const sdk = await connect(t, revision);
    await sdk.client.ping();
    const agent = new Agent(sdk, `s-${revision}`);
    await useEveryTool(agent, { revision, sandbox: 'tools' });
    await usePrompts(agent);
    await meetFailures(agent, isRefusal);
  });
}

test('progress, cancellation, long output', async (t) => {
  const agent = new Agent(await connect(t, '2025-11-25'), 'runs');
  const sandbox = await agent.start('runs');
  await hearOfProgress(agent, sandbox);
  await cancelARun(agent, sandbox);
  await readTooMuch(agent, sandbox);
});

test('an agent mounts what its user has allowed, and nothing else', async (t) => {
  const folder = join(env.MSB_HOME, '..', 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, 'note'), 'from the host');
  const agent = new Agent(await connect(t, '2025-11-25', '--volume-root', folder), 'volumes');
  const sandbox = await agent.start('mounted', { ...PYTHON, volumes: [`${folder}:/project:ro`] });
  assert.deepEqual(linesOf(await agent.command(sandbox, 'cat', ['/project/note'])), ['from the host']);
  for (const path of ['/etc', env.MSB_HOME]) {
    const config = { ...PYTHON, volumes: [`${path}:/stolen`] };
    const refused = await agent.call('sandbox_start', { sandbox: 'thief', config });
    assert.equal(refused.isError, true, path);
    assert.ok(!textOf(refused).includes(env.MSB_HOME));
  }
});

test('a host that closes stdin ends the server, and what runs in it', async (t) => {
  const sdk = await connect(t, '2025-11-25');
  const agent = new Agent(sdk, 'closed');
  const sandbox = await agent.start('closed');
  agent.command(sandbox, 'sleep', ['34567']).catch(() => {});
  const { pid } = sdk.client.transport;
  await sdk.client.close(); // stdin first; it kills only what does not end by itself
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('a batch is answered as one, in the one revision that has them', async (t) => {
  const server = spawn(SERVER, ['mcp'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => server.kill());
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  const ask = async (message) => {
    server.stdin.write(`${JSON.stringify(message)}\n`);
    return JSON.parse((await lines.next()).value);
  };
  const initialize = (protocolVersion) => ({
    jsonrpc: '2.0',
    id: 'i',
    method: 'initialize',
    params: { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } },
  });
  const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' }));
  await ask(initialize('2025-03-26'));
  assert.deepEqual((await ask(batch)).map((answer) => answer.id).sort(), [1, 2]);
  await ask(initialize('2025-06-18'));
  assert.equal((await ask(batch)).error.code, -32600);
  server.stdin.end();
  const [status] = await once(server, 'exit');
  assert.equal(status, 0);
});
