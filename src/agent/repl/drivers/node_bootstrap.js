// SPDX-License-Identifier: Apache-2.0
// The argument of `node -e`: takes the driver from the control socket (see node_driver.js).
((descriptor, {readSync}) => {
  delete process.env.MSB_REPL_FD;
  const length = Buffer.alloc(4);
  readSync(descriptor, length);
  const driver = Buffer.alloc(length.readUInt32LE());
  readSync(descriptor, driver);
  require('vm').compileFunction(
      driver.toString(), ['module', 'require', 'descriptor', 'load'], {filename: 'msb:repl'})(
      module, require, descriptor, (specifier, options) => import(specifier, options));
})(+process.env.MSB_REPL_FD, require('fs'));
