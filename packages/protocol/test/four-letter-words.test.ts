import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FourLetterWord, fourLetterNameOf, TELNET_CLOSE } from '@headkeeper/protocol';

test('each code is the ASCII of its name, and leads back to it', () => {
  const entries = Object.entries(FourLetterWord);
  assert.equal(entries.length, 18);
  for (const [name, code] of entries) {
    assert.equal(code, Buffer.from(name, 'ascii').readInt32BE());
    assert.equal(fourLetterNameOf(code), name);
  }
});

test('the telnet close is the bytes ff f4 ff fd, and no word', () => {
  assert.equal(TELNET_CLOSE, Buffer.from([0xff, 0xf4, 0xff, 0xfd]).readInt32BE());
  for (const code of [TELNET_CLOSE, 0, -1, 45]) assert.equal(fourLetterNameOf(code), undefined);
});
