import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPathBytes, decodeUtf8, type PathFault, validatePath } from '@headkeeper/protocol';
import fc from 'fast-check';

/** The rules of the reference, written as patterns: an implementation with nothing in common with ours. */
function isValidByPattern(path: string): boolean {
  return (
    /^\//.test(path) &&
    (path === '/' || !/\/$/.test(path)) &&
    !/\/\//.test(path) &&
    !/\/\.{1,2}(\/|$)/.test(path) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
    !/[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(path)
  );
}

function bytesAccept(path: string): boolean {
  const bytes = Buffer.from(`xx${path}xx`);
  return checkPathBytes(bytes, 2, bytes.length - 2);
}

test('what is accepted', () => {
  for (const path of [
    '/',
    '/a',
    '/a/b',
    '/a.',
    '/.a',
    '/...',
    '/..a',
    '/a/...',
    '/ ',
    '/a b',
    '/\u00a0',
    '/é/ß/漢',
    '/\uf900',
    '/\uffef',
  ]) {
    assert.equal(validatePath(path), null, path);
    assert.ok(bytesAccept(path), path);
  }
});

test('what is refused, and why', () => {
  const cases: [string | null, PathFault][] = [
    [null, 'is null or empty'],
    ['', 'is null or empty'],
    ['a', 'does not start with /'],
    [' /a', 'does not start with /'],
    ['/a/', 'ends with /'],
    ['//', 'contains an empty element'],
    ['//a', 'contains an empty element'],
    ['/a//b', 'contains an empty element'],
    ['/.', 'contains . or .. as an element'],
    ['/..', 'contains . or .. as an element'],
    ['/./a', 'contains . or .. as an element'],
    ['/../a', 'contains . or .. as an element'],
    ['/a/.', 'contains . or .. as an element'],
    ['/a/../b', 'contains . or .. as an element'],
    ['/a\0', 'contains an illegal character'],
    ['/\u0001', 'contains an illegal character'],
    ['/\u001f', 'contains an illegal character'],
    ['/\u007f', 'contains an illegal character'],
    ['/\u009f', 'contains an illegal character'],
    ['/\ud800', 'contains an illegal character'],
    ['/\ue000', 'contains an illegal character'],
    ['/\uf8ff', 'contains an illegal character'],
    ['/\ufff0', 'contains an illegal character'],
    ['/\ufffd', 'contains an illegal character'],
    ['/\uffff', 'contains an illegal character'],
    ['/😀', 'contains an illegal character'],
  ];
  for (const [path, fault] of cases) {
    assert.equal(validatePath(path), fault, String(path));
    if (path !== null) assert.ok(!bytesAccept(path), path);
  }
});

test('a sequential path is judged with a digit at its end', () => {
  for (const path of ['/', '/a/', '/a/.', '/..', '/a']) assert.equal(validatePath(path, true), null, path);
  assert.equal(validatePath('', true), 'does not start with /');
  assert.equal(validatePath(null, true), 'is null or empty');
  assert.equal(validatePath('/a//', true), 'contains an empty element');
  assert.equal(validatePath('/./a', true), 'contains . or .. as an element');
});

test('every character of the BMP, in the middle of a path', () => {
  for (let unit = 0; unit <= 0xffff; unit++) {
    const path = `/a${String.fromCharCode(unit)}b`;
    const valid = isValidByPattern(path);
    if ((validatePath(path) === null) !== valid) assert.fail(`string check of unit ${unit}`);
    if (bytesAccept(path) !== valid) assert.fail(`byte check of unit ${unit}`);
  }
});

test('every sequence of two and three bytes that starts with a lead byte', () => {
  const bytes = new Uint8Array([0x2f, 0, 0, 0]);
  const agree = (end: number) => {
    const accepted = checkPathBytes(bytes, 0, end);
    if (accepted !== (validatePath(decodeUtf8(bytes, 0, end)) === null))
      assert.fail(Buffer.from(bytes).toString('hex'));
  };
  for (let first = 0x80; first <= 0xff; first++) {
    bytes[1] = first;
    agree(2);
    for (let second = 0; second <= 0xff; second++) {
      bytes[2] = second;
      agree(3);
      for (const third of [0x00, 0x2e, 0x2f, 0x7f, 0x80, 0x9f, 0xa0, 0xaf, 0xb0, 0xbd, 0xbf, 0xc2, 0xff]) {
        bytes[3] = third;
        agree(4);
      }
    }
  }
});

const piece = fc.oneof(
  fc.constantFrom('/', '/', '.', '..', '/.', '/..', '//', 'a', 'é', '漢', '😀', '\0', '\u0080', '\ue000', '\uffff'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

test('both checks agree with the pattern on any text', () => {
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`);
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (path) => {
      const valid = isValidByPattern(path);
      assert.equal(validatePath(path) === null, valid);
      assert.equal(bytesAccept(path), valid);
    }),
    { numRuns: 3000 },
  );
});

test('the byte check agrees with the string check of the decoded text on any bytes', () => {
  const bytePiece = fc.oneof(
    fc.constantFrom([0x2f], [0x2e], [0x61], [0xc2, 0xa0], [0xc2], [0xe0, 0x80], [0xed, 0xa0, 0x80], [0xef, 0xbf, 0xbd]),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => [...bytes]),
  );
  fc.assert(
    fc.property(fc.array(bytePiece, { maxLength: 8 }), fc.nat(3), (pieces, before) => {
      const path = [0x2f, ...pieces.flat()];
      const bytes = new Uint8Array([...new Array<number>(before).fill(0x2f), ...path, 0x61, 0x2f]);
      const text = decodeUtf8(new Uint8Array(path));
      assert.equal(checkPathBytes(bytes, before, before + path.length), validatePath(text) === null);
    }),
    { numRuns: 3000 },
  );
  assert.equal(checkPathBytes(new Uint8Array([0x2f]), 1, 1), false);
});
