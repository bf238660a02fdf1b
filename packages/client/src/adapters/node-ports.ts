import { randomBytes, randomInt } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { lookup } from 'node:dns/promises';
import type { ConnectionOptions } from 'node:tls';
import type { ClientPorts, Diagnostics, RequestTrace } from '../ports.ts';
import { dialer } from './socket-link.ts';

/** Where requests are told of, for `node:diagnostics_channel`; the message is a `RequestTrace`. */
export const REQUEST_STARTED = 'headkeeper:client:request:start';
export const REQUEST_ENDED = 'headkeeper:client:request:end';

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
  const started = channel(REQUEST_STARTED);
  const ended = channel(REQUEST_ENDED);
  return {
    get isActive(): boolean {
      return started.hasSubscribers || ended.hasSubscribers;
    },
    started: (trace: RequestTrace) => started.publish(trace),
    ended: (trace: RequestTrace) => ended.publish(trace),
  };
}
