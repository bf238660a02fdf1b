/** Why a path is refused (client-protocol reference, section 5). */
export type PathFault =
  | 'is null or empty'
  | 'does not start with /'
  | 'ends with /'
  | 'contains an empty element'
  | 'contains . or .. as an element'
  | 'contains an illegal character';

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Checks a path by the rules of create, setData, setACL and check. Returns null if it is fine, or what is wrong with it,
 * worded to follow "path". Of several faults the first from the left is named.
 *
 * @param sequential whether a sequence number will follow: the path is then checked with a digit appended.
 */
export function validatePath(path: string | null, sequential = false): PathFault | null {
  if (path === null || (path.length === 0 && !sequential)) return 'is null or empty';
  const text = sequential ? `${path}1` : path;
  if (text.charCodeAt(0) !== SLASH) return 'does not start with /';
  if (text.length === 1) return null;
  let element = 1;
  for (let i = 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === SLASH) {
      const fault = elementFault(text, element, i);
      if (fault !== null) return fault;
      element = i + 1;
    } else if (isRefusedUnit(unit)) return 'contains an illegal character';
  }
  if (element === text.length) return 'ends with /';
  return elementFault(text, element, text.length);
}

function elementFault(text: string, start: number, end: number): PathFault | null {
  const length = end - start;
  if (length === 0) return 'contains an empty element';
  const dots = length <= 2 && text.charCodeAt(start) === DOT && (length === 1 || text.charCodeAt(start + 1) === DOT);
  return dots ? 'contains . or .. as an element' : null;
}

/** Controls, surrogates (so everything outside the BMP), the private use area, and the specials at the end of the BMP. */
function isRefusedUnit(unit: number): boolean {
  return (
    unit < 0x20 ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    (unit >= 0xfff0 && unit <= 0xffff)
  );
}

/**
 * Whether the UTF-8 bytes from `start` to `end` are a path that `validatePath` accepts. Malformed UTF-8 is refused, as it
 * decodes to U+FFFD. Allocates nothing.
 */
export function checkPathBytes(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end || bytes[start] !== SLASH) return false;
  if (start + 1 === end) return true;
  let element = start + 1;
  let i = element;
  while (i < end) {
    const first = bytes[i] as number;
    if (first >= 0x80) {
      const length = allowedSequenceLength(bytes, i, end, first);
      if (length === 0) return false;
      i += length;
      continue;
    }
    if (first < 0x20 || first === 0x7f) return false;
    if (first === SLASH) {
      if (!isElement(bytes, element, i)) return false;
      element = i + 1;
    }
    i++;
  }
  return isElement(bytes, element, end);
}

/** Whether the bytes are neither empty nor `.` nor `..`. */
function isElement(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length > 2) return true;
  if (length === 0) return false;
  return bytes[start] !== DOT || (length === 2 && bytes[start + 1] !== DOT);
}

/** The length of the multi-byte character at `i`, or 0 if it is malformed or not allowed in a path. */
function allowedSequenceLength(bytes: Uint8Array, i: number, end: number, first: number): number {
  if (first < 0xe0) {
    // C0 and C1 would be over-long; C2 80 to C2 9F are the upper controls.
    if (first < 0xc2 || i + 1 >= end) return 0;
    const second = bytes[i + 1] as number;
    return (second & 0xc0) === 0x80 && (first !== 0xc2 || second >= 0xa0) ? 2 : 0;
  }
  // From F0 on: outside the BMP, or malformed. EE is U+E000 to U+EFFF, all of it private use.
  if (first >= 0xf0 || first === 0xee || i + 2 >= end) return 0;
  const second = bytes[i + 1] as number;
  const third = bytes[i + 2] as number;
  if ((second & 0xc0) !== 0x80 || (third & 0xc0) !== 0x80) return 0;
  if (first === 0xe0) return second >= 0xa0 ? 3 : 0; // below: over-long
  if (first === 0xed) return second < 0xa0 ? 3 : 0; // above: surrogates
  if (first !== 0xef) return 3;
  if (second < 0xa4) return 0; // U+F000 to U+F8FF: private use
  return second === 0xbf && third >= 0xb0 ? 0 : 3; // U+FFF0 to U+FFFF
}
