// SPDX-License-Identifier: Apache-2.0
//
// The SDK's two generations under one interface, and the SDK as one of its older selves.

// Version 1 takes the schema of a result between parameters and options.
export class Sdk {
  constructor(client) {
    this.client = client;
  }

  callTool(params, options) {
    return this.client.callTool(params, undefined, options);
  }
  listTools() {
    return this.client.listTools();
  }
  listPrompts() {
    return this.client.listPrompts();
  }
  getPrompt(params) {
    return this.client.getPrompt(params);
  }
}

// `transport`, whose client asks for `revision` and not for the newest it knows.
export function speaking(transport, revision) {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if (message.method !== 'initialize') {
      return send(message, options);
    }
    return send({ ...message, params: { ...message.params, protocolVersion: revision } }, options);
  };
  return transport;
}

// Tells an answer of the server, with that code, from whatever else may go wrong.
export function isRefusal(code) {
  return (error) => error.code === code;
}
