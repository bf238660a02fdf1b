import { KerberosError, KerberosKey } from './encryption.ts';

/** A key of a service, as the realm's administrators give it out. */
export interface KeytabEntry {
  /** `service/host@REALM` */
  readonly principal: string;
  readonly realm: string;
  readonly version: number;
  readonly key: KerberosKey;
}

const FORMAT = 0x0502;

/** Reads a keytab of MIT's format 2; keys of kinds that are not understood are left out. Throws `KerberosError`. */
export function parseKeytab(bytes: Buffer): KeytabEntry[] {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== FORMAT) throw new KerberosError('it is no keytab of format 2');
  const entries: KeytabEntry[] = [];
  let at = 2;
  while (at + 4 <= bytes.length) {
    const size = bytes.readInt32BE(at);
    at += 4;
    if (size === 0) break;
    const end = at + Math.abs(size);
    if (end > bytes.length) throw new KerberosError('the keytab is cut off');
    // Less than nothing is what a deleted entry has left.
    const entry = size > 0 ? readEntry(bytes.subarray(at, end)) : null;
    if (entry !== null) entries.push(entry);
    at = end;
  }
  return entries;
}

function readEntry(bytes: Buffer): KeytabEntry | null {
  let at = 0;
  const need = (count: number): number => {
    const from = at;
    at += count;
    if (at > bytes.length) throw new KerberosError('an entry of the keytab is cut off');
    return from;
  };
  const short = (): number => bytes.readUInt16BE(need(2));
  const counted = (): Buffer => {
    const length = short();
    const from = need(length);
    return bytes.subarray(from, from + length);
  };
  const parts = short();
  const realm = counted().toString('utf8');
  const names: string[] = [];
  for (let i = 0; i < parts; i++) names.push(counted().toString('utf8'));
  // The kind of name, and when the key was made.
  need(8);
  let version = bytes.readUInt8(need(1));
  const type = short();
  const key = counted();
  if (bytes.length - at >= 4) version = bytes.readUInt32BE(at) || version;
  if (!KerberosKey.isKnown(type)) return null;
  return { principal: `${names.join('/')}@${realm}`, realm, version, key: new KerberosKey(type, key) };
}
