import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../src/connect.ts';
import { isZooKeeperError } from '../src/core/errors.ts';
import { type ClientOptions, checkOptions } from '../src/options.ts';

test('defaults: all waits are as long as the session timeout', () => {
  assert.deepEqual(checkOptions({ sessionTimeoutMs: 5_000 }), {
    sessionTimeoutMs: 5_000,
    requestTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
    maxPending: 100_000,
    maxPendingBytes: 67_108_864,
    maxReplyBytes: 67_108_864,
    maxRequestBytes: 1_048_575,
  });
  assert.equal(checkOptions({}).sessionTimeoutMs, 30_000);
});

test('a wrong option is refused by name before anything is connected', async () => {
  for (const [options, name] of [
    [{ sessionTimeoutMs: 0 }, 'sessionTimeoutMs'],
    [{ sessionTimeoutMs: '5' as never }, 'sessionTimeoutMs'],
    [{ requestTimeoutMs: Number.NaN }, 'requestTimeoutMs'],
    [{ connectTimeoutMs: 2 ** 31 }, 'connectTimeoutMs'],
    [{ maxPending: 0 }, 'maxPending'],
    [{ maxPendingBytes: -1 }, 'maxPendingBytes'],
    [{ maxReplyBytes: 10 }, 'maxReplyBytes'],
    [{ maxRequestBytes: 10 }, 'maxRequestBytes'],
    [{ onSessionExpired: 'cry' as never }, 'onSessionExpired'],
    [{ session: { id: 1n, password: new Uint8Array(3) } }, 'session.password'],
    [{ tls: { cert: 'nonsense', key: 'nonsense' } }, 'tls'],
  ] satisfies readonly (readonly [ClientOptions, string])[]) {
    await assert.rejects(
      connect('localhost:1', options),
      (error) => isZooKeeperError(error, 'invalidArgument') && error.message.includes(`the option ${name}`),
      name,
    );
  }
});

test('a secret is in no error', async () => {
  const tls = { key: 'hunter2', cert: 'hunter2', passphrase: 'hunter2' };
  await assert.rejects(connect('localhost:1', { tls }), (error) => !(error as Error).message.includes('hunter2'));
});
