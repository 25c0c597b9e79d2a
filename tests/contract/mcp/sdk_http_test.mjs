// SPDX-License-Identifier: Apache-2.0
//
// The official TypeScript SDK's client over Streamable HTTP, in every revision that has a handshake.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';

import { PYTHON, Server, until } from '../clients/server.mjs';
import { Agent, cancelARun, hearOfProgress, linesOf, meetFailures, readTooMuch, textOf, usePrompts, useEveryTool }
  from './agent.mjs';
import { Sdk, isRefusal, speaking } from './sdk.mjs';

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

const server = await Server.start('--dev');
after(() => server.stop());

async function connect(t, revision = LATEST_PROTOCOL_VERSION, from = server, options = {}) {
  const transport = new StreamableHTTPClientTransport(from.mcpUrl, options);
  const sdk = new Sdk(new Client({ name: 'test', version: '1' }));
  await sdk.client.connect(speaking(transport, revision));
  t.after(() => sdk.client.close());
  return Object.assign(sdk, { transport });
}

test('the SDK knows no newer revision than is tested here', () => {
  assert.equal(LATEST_PROTOCOL_VERSION, REVISIONS.at(-1));
});

for (const revision of REVISIONS) {
  test(`${revision}: tools, prompts, ping`, async (t) => {
    const sdk = await connect(t, revision);
    assert.equal(sdk.transport.protocolVersion, revision);
    assert.equal(sdk.client.getServerVersion().name, 'microsandbox-server');
    assert.match(sdk.client.getInstructions(), /sandbox_start/);
    await sdk.client.ping();
    const agent = new Agent(sdk, `r-${revision}`);
    await useEveryTool(agent, { revision, sandbox: 'tools' });
    await usePrompts(agent);
    await meetFailures(agent, isRefusal);
  });
}

test('an unknown revision becomes the newest that has a handshake', async (t) => {
  const sdk = await connect(t, '1999-01-01');
  assert.equal(sdk.transport.protocolVersion, '2025-11-25');
});

test('progress, cancellation, long output', async (t) => {
  const agent = new Agent(await connect(t), 'runs');
  const sandbox = await agent.start('runs');
  await hearOfProgress(agent, sandbox);
  await cancelARun(agent, sandbox);
  await readTooMuch(agent, sandbox);
});

test('calls of one session run beside each other', async (t) => {
  const agent = new Agent(await connect(t), 'beside');
  const sandbox = await agent.start('beside');
  // Each waits for the other.
  const meet = (mine, other) =>
    agent.command(sandbox, 'sh', ['-c', `touch ${mine}; until test -e ${other}; do sleep 0.01; done; echo ${mine}`]);
  const both = await Promise.all([meet('a', 'b'), meet('b', 'a')]);
  assert.deepEqual(both.map((result) => linesOf(result)), [['a'], ['b']]);
});

test('a session ends by DELETE, with all that runs in it', async (t) => {
  const sdk = await connect(t);
  const agent = new Agent(sdk, 'ended');
  const sandbox = await agent.start('ended');
  const onlooker = new Agent(await connect(t), 'ended');
  const isRunning = async () => {
    const found = await onlooker.call('sandbox_run_command', { sandbox, command: 'pgrep', args: ['-f', 'sleep 45678'] });
    return JSON.parse(textOf(found)).success;
  };
  agent.command(sandbox, 'sleep', ['45678']).catch(() => {});
  await until('the command runs', isRunning);
  const { sessionId } = sdk.transport;
  await sdk.transport.terminateSession();
  await until('the command has ended', async () => !(await isRunning()));

  const late = new StreamableHTTPClientTransport(server.mcpUrl, { sessionId });
  const client = new Client({ name: 'late', version: '1' });
  await client.connect(late); // the SDK does not ask when it has a session already
  await assert.rejects(client.ping(), { code: 404 });
  await client.close();
});

test('the server keeps no events, and says so to who asks for them again', async () => {
  const response = await fetch(server.mcpUrl, {
    headers: { Accept: 'text/event-stream', 'Last-Event-ID': 'e1' },
  });
  assert.equal(response.status, 405);
});

test('a batch is answered as one, in the one revision that has them', async () => {
  const ping = (id) => ({ jsonrpc: '2.0', id, method: 'ping' });
  const batch = [
    ping(1),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 'm', method: 'tools/call', params: { name: 'sandbox_get_metrics', arguments: {} } },
    5,
  ];
  const { body } = await server.post('/mcp', batch, { 'MCP-Protocol-Version': '2025-03-26' });
  const byId = new Map(body.map((answer) => [answer.id, answer]));
  assert.deepEqual([...byId.keys()].sort(), [1, 'm', null].sort());
  assert.deepEqual(byId.get(1).result, {});
  assert.ok(byId.get('m').result.content);
  assert.equal(byId.get(null).error.code, -32600);
  const silent = await server.post('/mcp', [batch[1]], { 'MCP-Protocol-Version': '2025-03-26' });
  assert.deepEqual([silent.status, silent.body], [202, '']);
  for (const revision of ['2024-11-05', '2025-06-18', '2025-11-25', '2026-07-28']) {
    const refused = await server.post('/mcp', [ping(1)], { 'MCP-Protocol-Version': revision });
    assert.deepEqual([refused.status, refused.body.error.code], [400, -32600], revision);
  }
});

test('a key speaks for its namespace, and for no other', async (t) => {
  const secured = await Server.start();
  t.after(() => secured.stop());
  const withKey = (key) => ({ requestInit: { headers: { Authorization: `Bearer ${key}` } } });
  await assert.rejects(connect(t, LATEST_PROTOCOL_VERSION, secured), { code: 401 });
  const sdk = await connect(t, LATEST_PROTOCOL_VERSION, secured, withKey(secured.issueKey('team')));
  const started = await sdk.callTool({ name: 'sandbox_start', arguments: { sandbox: 'ours', config: PYTHON } });
  assert.equal(started.structuredContent.namespace, 'team');
  const foreign = { name: 'sandbox_start', arguments: { sandbox: 'x', namespace: 'other', config: PYTHON } };
  await assert.rejects(sdk.callTool(foreign), { code: 403 });
  const all = await sdk.callTool({ name: 'sandbox_get_metrics' });
  assert.deepEqual(all.structuredContent.sandboxes.map((each) => each.name), ['ours']);
});
