// SPDX-License-Identifier: Apache-2.0
//
// The second generation of the official TypeScript SDK, which speaks 2026-07-28: no handshake, no session, over HTTP and
// over stdio.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Client, LATEST_PROTOCOL_VERSION, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { PYTHON, SERVER, Server, makeHome } from '../clients/server.mjs';
import { Agent, TOOLS, cancelARun, hearOfProgress, meetFailures, readTooMuch, usePrompts, useEveryTool } from './agent.mjs';
import { isRefusal } from './sdk.mjs';

const REVISION = '2026-07-28';

const server = await Server.start('--dev');
after(() => server.stop());
const env = { ...process.env, MSB_HOME: makeHome() };

const TRANSPORTS = {
  http: () => new StreamableHTTPClientTransport(server.mcpUrl),
  stdio: () => new StdioClientTransport({ command: SERVER, args: ['mcp'], env, stderr: 'ignore' }),
};

async function connect(t, transport, mode) {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(TRANSPORTS[transport]());
  t.after(() => client.close());
  return client;
}

for (const transport of Object.keys(TRANSPORTS)) {
  test(`${transport}: a client that can do both finds the newest by itself`, async (t) => {
    const client = await connect(t, transport, 'auto');
    assert.equal(client.getNegotiatedProtocolVersion(), REVISION);
    assert.equal(client.getServerVersion().name, 'microsandbox-server');
    assert.match(client.getInstructions(), /sandbox_start/);
    assert.equal(client.getDiscoverResult().supportedVersions[0], REVISION);
  });

  test(`${transport}: a client of before is served as before`, async (t) => {
    const client = await connect(t, transport, 'legacy');
    assert.equal(client.getNegotiatedProtocolVersion(), LATEST_PROTOCOL_VERSION);
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name).sort(), TOOLS);
  });

  test(`${transport}: tools, prompts, failures`, async (t) => {
    const agent = new Agent(await connect(t, transport, { pin: REVISION }), 'tools');
    await useEveryTool(agent, { revision: REVISION, sandbox: 'tools' });
    await usePrompts(agent);
    await meetFailures(agent, isRefusal);
  });

  test(`${transport}: progress, cancellation, long output`, async (t) => {
    const agent = new Agent(await connect(t, transport, { pin: REVISION }), 'runs');
    const sandbox = await agent.start('runs');
    await hearOfProgress(agent, sandbox);
    await cancelARun(agent, sandbox);
    await readTooMuch(agent, sandbox);
  });
}

const META = {
  'io.modelcontextprotocol/protocolVersion': REVISION,
  'io.modelcontextprotocol/clientCapabilities': {},
};

function ask(method, params = {}, fields = {}) {
  const body = { jsonrpc: '2.0', id: 1, method, params: { _meta: META, ...params } };
  return server.post('/mcp', body, { 'MCP-Protocol-Version': REVISION, 'Mcp-Method': method, ...fields });
}

test('a name that no header field can carry may come encoded', async () => {
  const call = { name: 'sandbox_get_metrics', arguments: {} };
  const encoded = `=?base64?${Buffer.from(call.name).toString('base64')}?=`;
  const { status, body } = await ask('tools/call', call, { 'Mcp-Name': encoded });
  assert.deepEqual([status, body.result.resultType, body.result.isError], [200, 'complete', undefined]);
  const other = await ask('tools/call', call, { 'Mcp-Name': `${encoded.slice(0, -4)}A=?=` });
  assert.deepEqual([other.status, other.body.error.code], [400, -32020]);
});

test('nothing of a session is left', async () => {
  for (const method of ['initialize', 'ping', 'logging/setLevel', 'subscriptions/listen']) {
    const { status, body, headers } = await ask(method, {}, { 'Mcp-Session-Id': 'any' });
    assert.deepEqual([status, body.error.code], [404, -32601], method);
    assert.equal(headers.get('mcp-session-id'), null);
  }
});

test('a scoped key holds here too', async (t) => {
  const secured = await Server.start();
  t.after(() => secured.stop());
  const requestInit = { headers: { Authorization: `Bearer ${secured.issueKey('team')}` } };
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: { pin: REVISION } } });
  await client.connect(new StreamableHTTPClientTransport(secured.mcpUrl, { requestInit }));
  t.after(() => client.close());
  const start = (args) => client.callTool({ name: 'sandbox_start', arguments: { config: PYTHON, ...args } });
  assert.equal((await start({ sandbox: 'ours' })).structuredContent.namespace, 'team');
  await assert.rejects(start({ sandbox: 'x', namespace: 'other' }), /Access denied/);
});
