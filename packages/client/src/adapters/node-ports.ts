import { randomBytes, randomInt } from 'node:crypto';
import { tracingChannel } from 'node:diagnostics_channel';
import { lookup } from 'node:dns/promises';
import type { ConnectionOptions } from 'node:tls';
import type { ClientPorts, Diagnostics, RequestTrace } from '../ports.ts';
import { dialer } from './socket-link.ts';

/** The name of the tracing channel of `node:diagnostics_channel` that requests are told on, each with a `RequestTrace`. */
const REQUEST_CHANNEL = 'headkeeper.client.request';

/** The world as Node has it; Bun and Deno have the same. */
export function nodePorts(tls: ConnectionOptions | null): ClientPorts {
  return {
    nowMs: () => performance.now(),
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return { cancel: () => clearTimeout(timer) };
    },
    defer: (call) => process.nextTick(call),
    random: (limit) => randomInt(limit),
    randomBytes: (count) => randomBytes(count),
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    dial: dialer(tls),
    diagnostics: nodeDiagnostics(),
  };
}

function nodeDiagnostics(): Diagnostics {
  const requests = tracingChannel<object, RequestTrace>(REQUEST_CHANNEL);
  const { start, end, asyncStart, asyncEnd, error } = requests;
  const phases = [start, end, asyncStart, asyncEnd, error];
  return {
    get isActive(): boolean {
      return phases.some((phase) => phase.hasSubscribers);
    },
    trace: (trace, run) => requests.tracePromise(run, trace) as ReturnType<typeof run>,
  };
}
