// SPDX-License-Identifier: Apache-2.0
//
// What an agent does with the tools, whatever client and transport it does it by. A client here is an object with
// listTools, callTool(params, options), listPrompts and getPrompt.
import assert from 'node:assert/strict';

import { PYTHON, until } from '../clients/server.mjs';

export const TOOLS = [
  'sandbox_get_metrics',
  'sandbox_pause',
  'sandbox_resume',
  'sandbox_run_code',
  'sandbox_run_command',
  'sandbox_snapshot',
  'sandbox_start',
  'sandbox_stop',
];

export function textOf(result) {
  return result.content.map((part) => part.text).join('');
}

export function linesOf(result, stream = 'stdout') {
  const { output } = JSON.parse(textOf(result));
  return output.filter((line) => line.stream === stream).map((line) => line.text);
}

export class Agent {
  constructor(client, namespace) {
    Object.assign(this, { client, namespace });
  }

  call(name, args, options) {
    const call = { name, arguments: { namespace: this.namespace, ...args } };
    return this.client.callTool(call, options);
  }

  // What must succeed.
  async do(name, args, options) {
    const result = await this.call(name, args, options);
    assert.ok(!result.isError, textOf(result));
    return result;
  }

  async start(sandbox, config = PYTHON) {
    await this.do('sandbox_start', { sandbox, config });
    return sandbox;
  }

  code(sandbox, code, options) {
    return this.do('sandbox_run_code', { sandbox, code, language: 'python' }, options);
  }

  command(sandbox, command, args = [], options = undefined) {
    return this.do('sandbox_run_command', { sandbox, command, args }, options);
  }
}

// Every tool for real, and what each revision adds to them.
export async function useEveryTool(agent, { revision, sandbox }) {
  const hasAnnotations = revision >= '2025-03-26';
  const hasStructure = revision >= '2025-06-18';
  const { tools } = await agent.client.listTools();
  assert.deepEqual(tools.map((tool) => tool.name).sort(), TOOLS);
  for (const tool of tools) {
    assert.ok(tool.description.length > 80, tool.name);
    assert.equal('annotations' in tool, hasAnnotations, tool.name);
    assert.equal('outputSchema' in tool, hasStructure, tool.name);
  }

  const structured = (result) => {
    assert.equal('structuredContent' in result, hasStructure);
    return hasStructure ? result.structuredContent : JSON.parse(textOf(result));
  };

  await agent.start(sandbox);
  await agent.start(sandbox); // once more changes nothing
  const ran = structured(await agent.code(sandbox, 'x = 6\nx * 7'));
  assert.deepEqual(ran, { status: 'success', language: 'python', output: [{ stream: 'stdout', text: '42' }] });
  const raised = structured(await agent.code(sandbox, '1/0'));
  assert.equal(raised.status, 'exception');
  assert.match(raised.output.at(-1).text, /ZeroDivisionError/);
  assert.deepEqual(linesOf(await agent.code(sandbox, 'print(x)')), ['6']);

  await agent.do('sandbox_run_command', { sandbox, command: 'tee', args: ['note'], stdin: 'hello' });
  const listed = structured(await agent.command(sandbox, 'sh', ['-c', 'cat note; exit 3']));
  assert.equal(listed.exit_code, 3);
  assert.equal(listed.success, false);
  assert.deepEqual(listed.output, [{ stream: 'stdout', text: 'hello' }]);
  await assert.doesNotReject(agent.do('sandbox_run_command', { sandbox, command: 'sh', args: ['-c', 'kill -9 $$'] }));

  const metrics = structured(await agent.do('sandbox_get_metrics', {}));
  const [one] = metrics.sandboxes.filter((each) => each.name === sandbox);
  assert.equal(one.running, true);
  assert.ok(one.memory_usage > 0);

  const { image } = structured(await agent.do('sandbox_snapshot', { sandbox, image: 'kept' }));
  assert.match(image, /^localhost\/snapshots\/.*\/kept:latest$/);
  const paused = await agent.call('sandbox_pause', { sandbox }); // not every host can
  if (!paused.isError) {
    assert.equal((await agent.call('sandbox_run_command', { sandbox, command: 'true' })).isError, true);
    await agent.do('sandbox_resume', { sandbox });
  }

  const stopped = await agent.do('sandbox_stop', { sandbox });
  assert.equal(textOf(stopped), `"Sandbox ${sandbox} stopped successfully"`);
  const after = structured(await agent.do('sandbox_get_metrics', { sandbox }));
  assert.deepEqual([after.sandboxes[0].running, after.sandboxes[0].memory_usage], [false, null]);
}

export async function usePrompts({ client, namespace }) {
  const { prompts } = await client.listPrompts();
  assert.deepEqual(prompts.map((prompt) => prompt.name), ['create_python_sandbox', 'create_node_sandbox']);
  const prompt = await client.getPrompt({
    name: 'create_node_sandbox',
    arguments: { sandbox_name: 'mine', namespace },
  });
  assert.equal(prompt.messages[0].role, 'user');
  for (const part of ['mine', namespace, 'sandbox_start', 'microsandbox/node']) {
    assert.ok(prompt.messages[0].content.text.includes(part), part);
  }
}

// What goes wrong in a tool is a result, which the model reads and acts on; what is no call of a tool is an error.
export async function meetFailures(agent, isRefusal) {
  const failures = [
    ['sandbox_run_code', { sandbox: 'none', code: '1', language: 'python' }, /not running.*sandbox_start/],
    ['sandbox_run_command', { sandbox: 'none', command: 'true' }, /not running.*sandbox_start/],
    ['sandbox_start', { sandbox: 'none' }, /"image": "microsandbox\/python"/],
    ['sandbox_start', { sandbox: '-', config: PYTHON }, /must start with an alphanumeric character/],
    ['sandbox_start', { sandbox: 'none', config: { image: 'microsandbox/python', cpus: 'two' } }, /cpus/],
    ['sandbox_stop', { sandbox: 'none' }, /none/],
    ['sandbox_get_metrics', { sandbox: 'none' }, /none/],
  ];
  for (const [name, args, reason] of failures) {
    const result = await agent.call(name, args);
    assert.equal(result.isError, true, name);
    assert.match(textOf(result), reason);
    assert.doesNotMatch(textOf(result), /Internal server error/);
  }
  await assert.rejects(agent.client.callTool({ name: 'sandbox_fly', arguments: {} }), isRefusal(-32602));
  await assert.rejects(agent.client.getPrompt({ name: 'sing' }), isRefusal(-32602));
}

export async function hearOfProgress(agent, sandbox) {
  const reports = [];
  await agent.code(sandbox, 'import time\nprint("working", flush=True)\ntime.sleep(2)\nprint("done")', {
    onprogress: (report) => reports.push(report),
  });
  assert.ok(reports.length > 0);
  assert.ok(reports.some((report) => report.message === 'working'));
  const steps = reports.map((report) => report.progress);
  assert.deepEqual(steps, [...new Set(steps)].sort((a, b) => a - b));
}

// A call that its caller gives up ends in the sandbox too.
export async function cancelARun(agent, sandbox) {
  const isRunning = async () => {
    const result = await agent.call('sandbox_run_command', { sandbox, command: 'pgrep', args: ['-f', 'sleep 98765'] });
    return JSON.parse(textOf(result)).exit_code === 0;
  };
  const givingUp = new AbortController();
  const run = agent.command(sandbox, 'sleep', ['98765'], { signal: givingUp.signal });
  run.catch(() => {});
  await until('the command runs', isRunning);
  givingUp.abort('no longer wanted');
  await assert.rejects(run);
  await until('the command has ended', async () => !(await isRunning()));

  const endless = new AbortController();
  const loop = agent.code(sandbox, 'open("/tmp/loops", "w")\nwhile True: pass', { signal: endless.signal });
  loop.catch(() => {});
  await until('the code runs', async () => {
    const result = await agent.call('sandbox_run_command', { sandbox, command: 'test', args: ['-e', '/tmp/loops'] });
    return JSON.parse(textOf(result)).success;
  });
  endless.abort('no longer wanted');
  await assert.rejects(loop);
  assert.deepEqual(linesOf(await agent.code(sandbox, 'print("free")')), ['free']);
}

// More output than a model should read keeps its beginning and its end.
export async function readTooMuch(agent, sandbox) {
  const result = await agent.code(sandbox, 'for i in range(100000): print("line", i)');
  const lines = linesOf(result);
  assert.ok(textOf(result).length < 400_000);
  assert.deepEqual([lines.at(0), lines.at(-1)], ['line 0', 'line 99999']);
  assert.match(linesOf(result, 'stderr').join(''), /bytes of output are left out here/);
}
