/** Clients under the same load: ours and the two that npm has. Each is told to read one znode. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { connect } from '@headkeeper/client';

/** One client, connected. */
export interface Target {
  /** Reads the znode's data once; `done` is called when it is there. */
  read(done: (error: unknown) => void): void;
  close(): Promise<void>;
}

export type TargetName = 'headkeeper' | 'node-zookeeper-client' | 'zookeeper';

export const targetNames: readonly TargetName[] = ['headkeeper', 'node-zookeeper-client', 'zookeeper'];

interface CallbackClient {
  once(event: 'connected', listener: () => void): void;
  connect(): void;
  getData(path: string, done: (error: unknown) => void): void;
  close(): void;
}

interface NativeClient {
  init(config: object): void;
  once(event: 'connect', listener: () => void): void;
  a_get(path: string, watch: boolean, done: (code: number, message: string) => void): void;
  close(): void;
}

/** @param peers the folder with the other clients' node_modules; unused for ours. */
export async function openTarget(name: TargetName, peers: string, address: string, path: string): Promise<Target> {
  if (name === 'headkeeper') {
    const client = await connect(address);
    return {
      read: (done) => {
        client.getData(path).then(() => done(null), done);
      },
      close: () => client.close(),
    };
  }
  const load = createRequire(join(peers, 'package.json'));
  if (name === 'node-zookeeper-client') {
    const client = (load(name) as { createClient(address: string): CallbackClient }).createClient(address);
    await new Promise<void>((resolve) => {
      client.once('connected', resolve);
      client.connect();
    });
    return {
      read: (done) => client.getData(path, (error) => done(error)),
      close: () => Promise.resolve(client.close()),
    };
  }
  const native = new (load(name) as new (config: object) => NativeClient)({});
  await new Promise<void>((resolve) => {
    native.once('connect', resolve);
    native.init({ connect: address, timeout: 30_000, debug_level: 1, host_order_deterministic: true });
  });
  return {
    read: (done) => native.a_get(path, false, (code, message) => done(code === 0 ? null : new Error(message))),
    close: () => Promise.resolve(native.close()),
  };
}
