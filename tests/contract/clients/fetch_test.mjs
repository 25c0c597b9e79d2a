// SPDX-License-Identifier: Apache-2.0
//
// The calls of the JavaScript SDKs, old dialect and new, made with plain fetch: the same paths, bodies and headers, and
// of the answers no more than those SDKs look at.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';

import { DEADLINE_MS, NODE, PYTHON, Server } from './server.mjs';

const server = await Server.start();
after(() => server.stop());
const key = server.issueKey('*');

class Dialect {
  constructor(name, languageImage, language) {
    Object.assign(this, { name, image: languageImage, language });
  }

  async post(path, body, headers = {}) {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        accept: '*/*',
        'accept-encoding': 'gzip,deflate',
        'user-agent': 'node-fetch/1.0 (+https://github.com/bitinn/node-fetch)',
        Authorization: `Bearer ${key}`,
        ...headers,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (!response.ok) {
      throw Object.assign(new Error(await response.text()), { status: response.status });
    }
    assert.equal(response.headers.get('content-type'), 'application/json');
    const answer = await response.json();
    // "error" in body is how they look for a failure: a null would break them.
    assert.ok(!('error' in answer), JSON.stringify(answer));
    assert.equal(answer.jsonrpc, '2.0');
    assert.deepEqual(answer.id, body.id);
    assert.equal('id' in answer, 'id' in body);
    return answer;
  }

  run(code, options = {}) {
    return this.call('sandbox.repl.run', { language: this.language, code, ...options });
  }
}

// Each call with a namespace, by one path.
class First extends Dialect {
  async call(method, params = {}) {
    const target = { sandbox: this.name, namespace: 'default' };
    const body = { jsonrpc: '2.0', method, params: { ...target, ...params }, id: randomUUID() };
    return (await this.post('/api/v1/rpc', body)).result;
  }

  start() {
    return this.call('sandbox.start', { config: this.image });
  }
  stop() {
    return this.call('sandbox.stop');
  }
  command(command, args, timeout) {
    return this.call('sandbox.command.run', { command, args, ...(timeout === undefined ? {} : { timeout }) });
  }
}

// No namespaces, paths of their own, and a start without an id.
class Second extends Dialect {
  async call(method, params = {}, path = '/api/v1/rpc') {
    const body = { jsonrpc: '2.0', method, params: { sandbox: this.name, ...params }, id: randomUUID() };
    return (await this.post(path, body)).result;
  }

  async start() {
    const params = { sandbox: this.name, config: this.image };
    const answer = await this.post('/api/v1/sandbox/start', { jsonrpc: '2.0', method: 'sandbox.start', params });
    assert.equal(answer.message, answer.result);
    return answer.result;
  }
  stop() {
    return this.call('sandbox.stop', {}, '/api/v1/sandbox/stop');
  }
  command(command, args, timeout) {
    const more = timeout === undefined ? {} : { timeout };
    return this.call('sandbox.command.run', { command, args, ...more }, '/api/v1/sandbox/command/run');
  }
}

// As they put output together: the lines of one stream, trimmed at both ends.
function output(result, stream = 'stdout') {
  return result.output.filter((line) => line.stream === stream).map((line) => line.text).join('\n').trim();
}

for (const [dialect, Client] of [['first', First], ['second', Second]]) {
  test(`${dialect} dialect: a Python sandbox from start to stop`, async () => {
    const sandbox = new Client(`python-${dialect}`, PYTHON, 'python');
    assert.equal(await sandbox.start(), `Sandbox ${sandbox.name} started successfully`);

    await sandbox.run('name = "fetch"');
    const greeting = await sandbox.run('print(f"hello {name}")');
    assert.deepEqual([greeting.status, greeting.language, output(greeting)], ['success', 'python', 'hello fetch']);
    const failed = await sandbox.run('1/0');
    assert.match(output(failed, 'stderr'), /ZeroDivisionError/);

    const listing = await sandbox.command('sh', ['-c', 'echo out; echo err >&2; exit 4']);
    assert.deepEqual([listing.exit_code, listing.success], [4, false]);
    assert.deepEqual([listing.command, listing.args], ['sh', ['-c', 'echo out; echo err >&2; exit 4']]);
    assert.deepEqual([output(listing), output(listing, 'stderr')], ['out', 'err']);
    assert.equal(output(await sandbox.command('pwd', [])), '/home/python-user/work');

    const { sandboxes } = await sandbox.call('sandbox.metrics.get');
    assert.equal(sandboxes.length, 1);
    assert.deepEqual([sandboxes[0].name, sandboxes[0].running], [sandbox.name, true]);
    assert.ok(Number.isInteger(sandboxes[0].memory_usage) && Number.isInteger(sandboxes[0].disk_usage));

    assert.equal(await sandbox.stop(), `Sandbox ${sandbox.name} stopped successfully`);
  });

  test(`${dialect} dialect: a Node sandbox`, async () => {
    const sandbox = new Client(`node-${dialect}`, NODE, 'nodejs');
    await sandbox.start();
    await sandbox.run('const parts = ["a", "b"]');
    const joined = await sandbox.run('console.log(parts.join("-"))');
    assert.deepEqual([joined.language, output(joined)], ['nodejs', 'a-b']);
    await sandbox.stop();
  });

  test(`${dialect} dialect: fractional time limits`, async () => {
    const sandbox = new Client(`limits-${dialect}`, PYTHON, 'python');
    await sandbox.start();
    const endless = await sandbox.run('while True: pass', { timeout: 0.5 });
    assert.match(output(endless, 'stderr'), /Execution timed out after 0.5 seconds/);
    assert.equal(output(await sandbox.run('print("free")')), 'free');
    await assert.rejects(sandbox.command('sleep', ['60'], 0.5), /timed out after 0.5 seconds/);
    await sandbox.stop();
  });

  test(`${dialect} dialect: failures are HTTP's, with a text that says why`, async () => {
    const sandbox = new Client(`absent-${dialect}`, PYTHON, 'python');
    const failure = (error) => {
      const body = JSON.parse(error.message);
      return error.status === 500 && body.code === 5002 && /not running/.test(body.error);
    };
    await assert.rejects(sandbox.run('1'), failure);
    await assert.rejects(sandbox.command('true', []), failure);
    const unnamed = new Client('', PYTHON, 'python');
    await assert.rejects(unnamed.start(), { status: 400, message: /Sandbox name cannot be empty/ });
  });
}

test('without a key, or with a wrong one, nothing starts', async () => {
  const sandbox = new Second('nobody', PYTHON, 'python');
  const body = { jsonrpc: '2.0', method: 'sandbox.start', params: { sandbox: 'nobody', config: PYTHON } };
  for (const [Authorization, code] of [['', 1001], ['Bearer msb_x.y.z', 1004]]) {
    const refused = sandbox.post('/api/v1/sandbox/start', body, { Authorization });
    await assert.rejects(refused, (error) => error.status === 401 && JSON.parse(error.message).code === code);
  }
});

test('a page of another origin may ask: the preflight says so, and the answers', async () => {
  const origin = { Origin: 'https://app.example' };
  const preflight = await fetch(`${server.url}/api/v1/rpc`, {
    method: 'OPTIONS',
    headers: {
      ...origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type',
    },
  });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
  assert.match(preflight.headers.get('access-control-allow-methods'), /POST/);
  assert.match(preflight.headers.get('access-control-allow-headers'), /authorization.*content-type/);
  const health = await fetch(`${server.url}/api/v1/health`, { headers: origin });
  assert.equal((await health.json()).message, 'Service is healthy');
  assert.equal(health.headers.get('access-control-allow-origin'), '*');
});
