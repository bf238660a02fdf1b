import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientAddress } from '../../src/adapters/client/address.ts';

const forms: readonly (readonly [given: string, expected: string, why: string])[] = [
  ['192.0.2.7', '192.0.2.7', 'IPv4 stays'],
  ['::ffff:192.0.2.7', '192.0.2.7', 'IPv4 over an IPv6 socket is IPv4'],
  ['::1', '0:0:0:0:0:0:0:1', 'zeros at the beginning'],
  ['::', '0:0:0:0:0:0:0:0', 'nothing but zeros'],
  ['2001:db8::', '2001:db8:0:0:0:0:0:0', 'zeros at the end'],
  ['2001:db8::8:800:200c:417a', '2001:db8:0:0:8:800:200c:417a', 'zeros in the middle'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8', 'nothing left out'],
  ['1:2:3::5:6:7:8', '1:2:3:0:5:6:7:8', 'one group left out'],
  ['2001:0DB8:0000::00ff', '2001:db8:0:0:0:0:0:ff', 'capitals and leading zeros'],
  ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1', 'the zone is an affair of this machine'],
  ['fe80::1:2%3', 'fe80:0:0:0:0:0:1:2', 'a zone that is a number'],
  // The operating system writes these with dots; they are not the loopback address.
  ['::1.2.3.4', '0:0:0:0:0:0:102:304', 'IPv4-compatible IPv6 is not IPv4'],
  ['::255.0.16.1', '0:0:0:0:0:0:ff00:1001', 'each dotted pair is a group'],
  ['', '', 'a peer that is gone already'],
];

describe('the address of a client', () => {
  for (const [given, expected, why] of forms) {
    it(`${given === '' ? 'unknown' : given}: ${why}`, () => {
      assert.equal(clientAddress(given), expected);
    });
  }
});
