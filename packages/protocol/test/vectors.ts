import { readFileSync } from 'node:fs';

/** Golden bytes, captured from Apache ZooKeeper. */
const FOLDER = new URL('../../../testkit/vectors/', import.meta.url);

export function readVectorJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, FOLDER), 'utf8')) as T;
}

export function readVectorBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, FOLDER)));
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
