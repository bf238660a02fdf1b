import { createHash } from 'node:crypto';
import { type Acl, encodeUtf8 } from '@headkeeper/protocol';
import { type CoreHarness, RawClient } from '@headkeeper/testkit';

/** The identity of a name and a password in the scheme digest. */
export function digestId(credentials: string): string {
  return `${credentials.split(':', 1)[0]}:${createHash('sha1').update(credentials).digest('base64')}`;
}

/** The password that `person` uses, and what is stored of it. */
export const ALICE_ID: string = digestId('alice:wonder-0f3a');
export const ALICE_ONLY: readonly Acl[] = [{ perms: 31, scheme: 'digest', id: ALICE_ID }];
export const EVERYBODY: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** A client of the harness that is alice. */
export function alice(harness: CoreHarness): RawClient {
  const client = harness.connect();
  client.must('auth', { type: 0, scheme: 'digest', auth: encodeUtf8('alice:wonder-0f3a') });
  return client;
}

/** Whether any byte that the client was ever sent holds the text. */
export function wasTold(client: RawClient, text: string): boolean {
  return Buffer.concat(client.bytes).includes(text);
}

/** A client that sends anything and takes down what it is sent, whatever that is. */
class Stranger extends RawClient {
  override arrived(bytes: Uint8Array): void {
    this.bytes.push(bytes);
  }
}

/** A connection of somebody who keeps to no rules; with a session of its own, if it is to. */
export function stranger(harness: CoreHarness, hasSession: boolean): RawClient {
  const connection = harness.clients.length;
  const client = new Stranger(connection, harness);
  harness.clients.push(client);
  harness.step({ kind: 'clientOpen', connection, address: '10.0.0.66' });
  if (hasSession) {
    client.handshake();
    client.bytes.length = 0;
  }
  return client;
}
