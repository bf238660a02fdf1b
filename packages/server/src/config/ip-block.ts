import { BlockList, isIP, isIPv6 } from 'node:net';

/** Adds an address, or a block such as 10.0.0.0/8, to a list. Throws when it is neither. */
export function addBlock(list: BlockList, text: string): void {
  const [address = '', bits, ...more] = text.split('/');
  if (isIP(address) === 0 || more.length > 0) throw new RangeError(`not an address: ${text}`);
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN, family);
}

/** Whether `text` is an address or such a block. */
export function isBlock(text: string): boolean {
  try {
    addBlock(new BlockList(), text);
    return true;
  } catch {
    return false;
  }
}
