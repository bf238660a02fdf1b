/** Bytes of a session password. */
export const SESSION_PASSWORD_BYTES = 16;

const SECRET_LOW = 0xb3415c00;

/** The multiplier 0x5DEECE66D of java.util.Random, in two 24-bit parts, and its increment. */
const MULTIPLIER_HIGH = 0x5de;
const MULTIPLIER_LOW = 0xece66d;
const INCREMENT = 11;

const TWO_24 = 0x1000000;

/**
 * Writes the 16 bytes that Apache ZooKeeper takes for a session's password at `target[at]`: the output of a
 * java.util.Random seeded with the session id and a constant. It is a checksum that anyone can compute, not a secret.
 *
 * Source of the rule: client-protocol reference, section 2.3. The generator's 48 bits of state are kept in two halves of
 * 24, whose products are exact as numbers.
 *
 * @param idHigh the upper 32 bits of the session id; only the lower 16 of them matter.
 * @param idLow the lower 32 bits.
 */
export function apacheSessionPassword(idHigh: number, idLow: number, target: Uint8Array, at: number): void {
  const seedLow = (idLow ^ SECRET_LOW) >>> 0;
  let high = (((idHigh & 0xffff) << 8) | (seedLow >>> 24)) ^ MULTIPLIER_HIGH;
  let low = (seedLow & 0xffffff) ^ MULTIPLIER_LOW;
  for (let end = at + SESSION_PASSWORD_BYTES; at < end; at += 4) {
    const product = low * MULTIPLIER_LOW + INCREMENT;
    const carry = Math.floor(product / TWO_24);
    high = (high * MULTIPLIER_LOW + low * MULTIPLIER_HIGH + carry) % TWO_24;
    low = product % TWO_24;
    const word = (high << 8) | (low >>> 16);
    target[at] = word;
    target[at + 1] = word >>> 8;
    target[at + 2] = word >>> 16;
    target[at + 3] = word >>> 24;
  }
}
