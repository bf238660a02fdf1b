import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8, isValidUtf8, utf8Length } from '@headkeeper/protocol';
import fc from 'fast-check';
import { fromHex, toHex } from './vectors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** Any UTF-16 text, lone surrogates included. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units));

test('every code point, both ways', () => {
  for (let start = 0; start < 0x110000; start += 256) {
    let text = '';
    for (let point = start; point < start + 256; point++) text += String.fromCodePoint(point);
    const bytes = encoder.encode(text);
    assert.equal(utf8Length(text), bytes.length);
    assert.deepEqual(encodeUtf8(text), bytes);
    assert.equal(decodeUtf8(bytes), decoder.decode(bytes));
  }
});

test('encoding any text, lone surrogates too, is what TextEncoder does', () => {
  const unit = fc.oneof(fc.constantFrom('\ud800', '\udbff', '\udc00', '\udfff', 'a', '\u07ff', '\u0800'), anyText);
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 6 }), (units) => {
      const text = units.join('');
      assert.deepEqual(encodeUtf8(text), encoder.encode(text));
      assert.equal(utf8Length(text), encoder.encode(text).length);
    }),
  );
});

const lead = fc.constantFrom(
  0x00,
  0x7f,
  0x80,
  0xbf,
  0xc0,
  0xc2,
  0xdf,
  0xe0,
  0xe1,
  0xed,
  0xef,
  0xf0,
  0xf1,
  0xf4,
  0xf5,
  0xff,
);
const follow = fc.constantFrom(0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0);
const hostileBytes = fc
  .array(fc.oneof(lead, follow, fc.nat(255)), { maxLength: 12 })
  .map((bytes) => new Uint8Array(bytes));

/** Java takes a surrogate in three bytes, or its first two, for one malformed sequence; the platform's decoder does not. */
function decodeAsJava(bytes: Uint8Array): string {
  const text = toHex(bytes).replace(/(..)/g, '$1 ');
  return decoder.decode(fromHex(text.replace(/ed [ab]. ([89ab]. )?/g, 'ff ').replaceAll(' ', '')));
}

test('decoding any bytes is what TextDecoder does, encoded surrogates aside', () => {
  fc.assert(
    fc.property(hostileBytes, (bytes) => {
      assert.equal(decodeUtf8(bytes), decodeAsJava(bytes));
    }),
    { numRuns: 5000 },
  );
});

test('encoded surrogates as Java decodes them', () => {
  const cases: [string, string][] = [
    ['eda080', '\ufffd'],
    ['edbfbf', '\ufffd'],
    ['eda0bdedb880', '\ufffd\ufffd'],
    ['eda0', '\ufffd'],
    ['eda041', '\ufffdA'],
    ['dfeda041f4f4', '\ufffd\ufffdA\ufffd\ufffd'],
    ['edbff5fff1c2f0', '\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd'],
    ['eda0edbf', '\ufffd\ufffd'],
    ['ed', '\ufffd'],
    ['ed9fbf', '\ud7ff'],
  ];
  for (const [hex, text] of cases) assert.equal(decodeUtf8(fromHex(hex)), text, hex);
});

test('only the window is decoded', () => {
  const bytes = encoder.encode('aé漢b');
  assert.equal(decodeUtf8(bytes, 1, 6), 'é漢');
  assert.equal(decodeUtf8(bytes, 1, 5), 'é\ufffd');
  assert.equal(decodeUtf8(bytes, 3, 3), '');
});

test('long runs of ASCII', () => {
  const text = 'x'.repeat(10_000);
  assert.equal(decodeUtf8(encoder.encode(`${text}é${text}`)), `${text}é${text}`);
});

test('validity is what the strict TextDecoder says', () => {
  fc.assert(
    fc.property(hostileBytes, (bytes) => {
      let valid = true;
      try {
        strict.decode(bytes);
      } catch {
        valid = false;
      }
      assert.equal(isValidUtf8(bytes), valid);
    }),
    { numRuns: 5000 },
  );
  fc.assert(fc.property(anyText, (text) => assert.ok(isValidUtf8(encoder.encode(text)))));
});
