// SPDX-License-Identifier: Apache-2.0
//
// The public conformance suite, all of its scenarios for servers, in each revision it can speak. Those listed in
// conformance.yml cannot pass here, each for the reason given there; one of them that passes fails this test, as does
// any other that fails.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { DEADLINE_MS, Server } from '../clients/server.mjs';

const SUITE = join(process.env.MSB_CLIENTS, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

const server = await Server.start('--dev');
after(() => server.stop());

for (const revision of ['2025-06-18', '2025-11-25', '2026-07-28']) {
  test(revision, async () => {
    const expected = fileURLToPath(new URL('conformance.yml', import.meta.url));
    const flags = ['--url', server.mcpUrl.href, '--suite', 'all', '--spec-version', revision];
    const run = promisify(execFile)(process.execPath, [SUITE, 'server', ...flags, '--expected-failures', expected], {
      cwd: dirname(server.home), // it writes its results there
      maxBuffer: 64 * 1024 * 1024,
      timeout: DEADLINE_MS,
    });
    const { code = 0, stdout } = await run.catch((error) => error);
    const summary = stdout.slice(stdout.lastIndexOf('=== SUMMARY ==='));
    console.log(summary);
    assert.equal(code, 0, summary);
  });
}
