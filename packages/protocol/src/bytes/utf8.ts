/** Bytes that `text` takes in UTF-8; a lone surrogate counts as the three bytes of U+FFFD. */
export function utf8Length(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) count += 1;
    else if (unit < 0x800) count += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      count += 4;
      i++;
    } else count += 3;
  }
  return count;
}

/** Writes `text` as UTF-8 at `at` and returns the offset past it. The caller has made `utf8Length(text)` bytes of room. */
export function encodeUtf8Into(text: string, target: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point < 0x80) {
      target[at++] = point;
      continue;
    }
    if (point < 0x800) {
      target[at++] = 0xc0 | (point >> 6);
      target[at++] = 0x80 | (point & 0x3f);
      continue;
    }
    if (point >= 0xd800 && point < 0xe000) {
      const next = text.charCodeAt(i + 1);
      if (point < 0xdc00 && isLowSurrogate(next)) {
        point = 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00);
        i++;
        target[at++] = 0xf0 | (point >> 18);
        target[at++] = 0x80 | ((point >> 12) & 0x3f);
        target[at++] = 0x80 | ((point >> 6) & 0x3f);
        target[at++] = 0x80 | (point & 0x3f);
        continue;
      }
      point = 0xfffd;
    }
    target[at++] = 0xe0 | (point >> 12);
    target[at++] = 0x80 | ((point >> 6) & 0x3f);
    target[at++] = 0x80 | (point & 0x3f);
  }
  return at;
}

export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  encodeUtf8Into(text, bytes, 0);
  return bytes;
}

/**
 * Decodes UTF-8 as Java does: each malformed sequence becomes one U+FFFD per maximal invalid part, over-long forms
 * included. That is also the WHATWG rule, except for a surrogate encoded in three bytes (or cut short after two), which
 * Java replaces by one U+FFFD and WHATWG by one for each byte. Java's encoder of jute strings sends supplementary
 * characters in that form, so it does occur.
 */
export function decodeUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  let text = '';
  let i = start;
  while (i < end) {
    const first = bytes[i] as number;
    if (first < 0x80) {
      const run = i;
      do i++;
      while (i < end && (bytes[i] as number) < 0x80);
      text += asciiText(bytes, run, i);
      continue;
    }
    const need =
      first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    i++;
    if (need === 0) {
      text += '\ufffd';
      continue;
    }
    let point = need === 1 ? first & 0x1f : need === 2 ? first & 0x0f : first & 0x07;
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    let high = first === 0xf4 ? 0x8f : 0xbf;
    let left = need;
    while (left > 0 && i < end) {
      const next = bytes[i] as number;
      if (next < low || next > high) break;
      low = 0x80;
      high = 0xbf;
      point = (point << 6) | (next & 0x3f);
      i++;
      left--;
    }
    const surrogate = point >= 0xd800 && point <= 0xdfff;
    text += left > 0 || surrogate ? '\ufffd' : String.fromCodePoint(point);
  }
  return text;
}

/** Whether the bytes are well-formed UTF-8. */
export function isValidUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  let i = start;
  while (i < end) {
    const first = bytes[i++] as number;
    if (first < 0x80) continue;
    if (first < 0xc2 || first > 0xf4) return false;
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    for (let left = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3; left > 0; left--) {
      if (i >= end) return false;
      const next = bytes[i++] as number;
      if (next < low || next > high) return false;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

const ASCII_CHUNK = 4096;

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= ASCII_CHUNK)
    return String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
  let text = '';
  for (let at = start; at < end; at += ASCII_CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + ASCII_CHUNK)) as unknown as number[]);
  }
  return text;
}
