// SPDX-License-Identifier: Apache-2.0
//
// Tests are in the source tree, the packages that they import in the build tree. Node looks for a package beside the
// file that asks for it; with this file loaded first (node --import) it looks in $MSB_CLIENTS.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const tests = new URL('../', import.meta.url).href;
const packages = pathToFileURL(`${process.env.MSB_CLIENTS}/package.json`).href;

registerHooks({
  resolve(name, context, next) {
    const isPackage = !/^(\.|\/|node:|file:)/.test(name);
    const isOurs = context.parentURL?.startsWith(tests);
    return next(name, isPackage && isOurs ? { ...context, parentURL: packages } : context);
  },
});
