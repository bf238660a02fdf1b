import { printableText } from '../history/value-text.ts';
import { hexDump } from './format.ts';
import type { Output } from './output.ts';

/** Longer values are not taken apart. */
const LONGEST_JSON = 1 << 20;

/** A value for people: JSON with indents and colours, text as it is, anything else in hexadecimal. */
export function readableValue(data: Uint8Array, output: Output): string {
  const text = printableText(data);
  if (text === null) return hexDump(data);
  const first = text.trimStart().charAt(0);
  if ((first !== '{' && first !== '[') || text.length > LONGEST_JSON) return text;
  try {
    return coloured(JSON.stringify(JSON.parse(text), null, 2), output);
  } catch {
    return text;
  }
}

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function coloured(json: string, output: Output): string {
  return json.replace(TOKENS, (whole, string?: string, colon?: string, word?: string) => {
    if (string !== undefined) {
      return colon === undefined ? output.paint('green', string) : output.paint('blue', string) + colon;
    }
    return output.paint(word === undefined ? 'cyan' : 'magenta', whole);
  });
}
