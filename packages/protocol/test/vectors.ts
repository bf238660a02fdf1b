import { readFileSync } from 'node:fs';

/** Where the golden bytes, captured from Apache ZooKeeper, lie. */
function locate(path: string): URL {
  return new URL(import.meta.resolve(`@headkeeper/testkit/vectors/${path}`));
}

export function readVectorJson<T>(path: string): T {
  return JSON.parse(readFileSync(locate(path), 'utf8')) as T;
}

export function readVectorBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(locate(path)));
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
